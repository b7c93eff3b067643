"""What a checkpoint file says of its tensors, read without its weights and without torch."""

import io
import json
import math
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vizion3d.errors import CheckpointError

_MAX_BYTES = 4 << 20
"""Most bytes of names and shapes that are read; those of the largest network have 0.2 million."""
_LISTED = 5

_COUNTER = "num_batches_tracked"
"""Last part of the names of batch normalization's counters, which are no weights."""

_FLOATING = frozenset(
    {"F64", "F32", "F16", "BF16", "DoubleStorage", "FloatStorage", "HalfStorage", "BFloat16Storage"}
)
"""As safetensors and torch call them."""


@dataclass(frozen=True)
class TensorNames:
    """What a file says of its tensors.

    Attributes:
        shapes: Tensor name -> shape, without batch normalization's counters.
        metadata: What a safetensors file says of itself.
    """

    shapes: Mapping[str, tuple[int, ...]]
    metadata: Mapping[str, str]

    @property
    def parameters(self) -> int:
        """How many numbers the tensors hold."""
        return sum(math.prod(shape) for shape in self.shapes.values())


@dataclass(frozen=True)
class _Tensor:
    shape: tuple[int, ...]
    kind: str


def read_names(path: Path) -> TensorNames:
    """Names and shapes of the tensors in a ``.safetensors``, ``.pth`` or ``.pt`` file.

    Nothing in the file is executed, and no weights are read: that they are all there, and whole,
    shows itself when they are loaded.

    Raises:
        CheckpointError: The file is missing, damaged, or holds anything but named tensors of
            floating-point numbers.
    """
    try:
        if path.suffix.lower() == ".safetensors":
            content, metadata = _of_safetensors(path)
        else:
            content, metadata = _of_torch(path), {}
    except FileNotFoundError as error:
        raise CheckpointError(f"no checkpoint file at {path}; check the path") from error
    except _ForeignError as error:
        raise CheckpointError(
            f"{path} was refused, and nothing in it was run: it refers to {error}. "
            "Use a file of tensors alone: torch.save(model.state_dict(), ...) or .safetensors."
        ) from error
    # On damaged bytes, the readers raise exceptions of many types.
    except Exception as error:
        reason = str(error).partition("\n")[0][:300]
        raise CheckpointError(
            f"{path} cannot be read as a checkpoint: {reason or type(error).__name__}. "
            "It may be damaged or of another kind; download it again."
        ) from error
    if not isinstance(content, dict) or not all(
        isinstance(name, str) and isinstance(value, _Tensor) for name, value in content.items()
    ):
        found = list(content)[:_LISTED] if isinstance(content, dict) else type(content).__name__
        raise CheckpointError(f"{path} does not hold named tensors, but {found}; save a state dict")
    weights = {name: tensor for name, tensor in content.items() if not is_counter(name)}
    odd = [f"{n} ({t.kind})" for n, t in weights.items() if t.kind not in _FLOATING]
    if odd:
        raise CheckpointError(
            f"{path} holds tensors that are no floating-point weights: "
            f"{', '.join(odd[:_LISTED])}. Quantised checkpoints are not supported."
        )
    return TensorNames({name: tensor.shape for name, tensor in weights.items()}, metadata)


def is_counter(name: str) -> bool:
    """Whether a tensor is a counter of batch normalization, by its name."""
    return name.rpartition(".")[2] == _COUNTER


def _of_safetensors(path: Path) -> tuple[dict[str, _Tensor], dict[str, str]]:
    """The format: length of the header in 8 bytes, little endian; the header in JSON; the data."""
    with path.open("rb") as file:
        header_bytes = int.from_bytes(file.read(8), "little")
        if header_bytes > _MAX_BYTES:
            raise ValueError(f"its header would have {header_bytes:,} bytes")
        header = json.loads(file.read(header_bytes))
    metadata = header.pop("__metadata__", {})
    size = path.stat().st_size
    stated = 8 + header_bytes + max((e["data_offsets"][1] for e in header.values()), default=0)
    if size != stated:
        raise ValueError(f"it has {size:,} bytes, and its header states {stated:,}")
    return {n: _Tensor(_as_shape(e["shape"]), e["dtype"]) for n, e in header.items()}, metadata


def _of_torch(path: Path) -> Any:
    """``torch.save``: a zip archive with a pickle of names and shapes, or, as older releases wrote,
    four pickles in a row before the data; the fourth has the names."""
    with path.open("rb") as file:
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                (name,) = (n for n in archive.namelist() if n.rpartition("/")[2] == "data.pkl")
                size = archive.getinfo(name).file_size
                if size > _MAX_BYTES:
                    raise ValueError(f"its names would have {size:,} bytes")
                return _ShapeUnpickler(io.BytesIO(archive.read(name))).load()
        file.seek(0)
        head = io.BytesIO(file.read(_MAX_BYTES))
    return [_ShapeUnpickler(head).load() for _ in range(4)][-1]


def _as_shape(given: Any) -> tuple[int, ...]:
    shape = tuple(given)
    if not all(type(side) is int and side >= 0 for side in shape):
        raise ValueError(f"{shape} is no shape")
    return shape


class _ForeignError(Exception):
    """A file refers to what no file of tensors needs."""


# The reader in Python, not the one in C, which a few hostile bytes make reserve gigabytes.
class _ShapeUnpickler(pickle._Unpickler):
    """Reads a state dict with shapes in the place of tensors.

    All that the file can call are the methods below, none of which does anything.
    """

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return self._strided
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return self._parameter
        if (module, name) == ("torch", "Size"):
            return tuple
        if module == "torch" and name.endswith("Storage"):
            return name
        if module.partition(".")[0] == "torch":
            return self._of_another_kind
        raise _ForeignError(f"{module}.{name}")

    def persistent_load(self, pid: Any) -> str:
        return str(pid[1])  # of ("storage", kind, key, device, length)

    def _strided(self, storage: str, _offset: Any, size: Any, *_rest: Any) -> _Tensor:
        return _Tensor(_as_shape(size), storage)

    def _parameter(self, tensor: _Tensor, *_rest: Any) -> _Tensor:
        return tensor

    def _of_another_kind(self, *_arguments: Any) -> _Tensor:
        return _Tensor((), "sparse, quantised or without data")
