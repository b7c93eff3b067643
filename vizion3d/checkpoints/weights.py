"""Reading a checkpoint's weights safely, and building the network that it holds, with torch."""

import pickle
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from vizion3d.checkpoints.header import is_counter
from vizion3d.checkpoints.store import Checkpoint
from vizion3d.core.arrays import Float32Array
from vizion3d.core.fork import Threads
from vizion3d.errors import CheckpointError
from vizion3d.networks.base import MismatchError

_LISTED = 5

torch_threads = Threads("torch")
"""Of this process, as far as networks are run with torch."""


@dataclass(frozen=True)
class Loaded:
    """A network with its weights.

    Attributes:
        module: The network; see :meth:`vizion3d.networks.base.Network.build`.
        constants: What its extra inputs are computed from.
    """

    module: nn.Module
    constants: dict[str, Float32Array]


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The weights in a ``.safetensors``, ``.pth`` or ``.pt`` file, on the CPU.

    Nothing in the file is executed: pickles are read with ``weights_only=True``.

    Raises:
        CheckpointError: The file is missing, damaged, or holds anything but named tensors.
    """
    try:
        if path.suffix.lower() == ".safetensors":
            return _weights(path, load_file(path))
        # Mapped, not read: the copy into the network is then the only one in memory.
        content = torch.load(
            path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path)
        )
    except CheckpointError:
        raise
    except FileNotFoundError as error:
        raise CheckpointError(f"no checkpoint file at {path}; check the path") from error
    except pickle.UnpicklingError as error:
        foreign = re.search(r"GLOBAL (\S+)", str(error))
        raise CheckpointError(
            f"{path} was refused, and nothing in it was run: "
            + (f"it refers to {foreign[1]}" if foreign else "it is damaged or of another kind")
            + ". Use a file of tensors alone: torch.save(model.state_dict(), ...) or .safetensors."
        ) from error
    except MemoryError:
        raise
    # On damaged bytes, the readers raise exceptions of many types.
    except Exception as error:
        reason = str(error).partition("\n")[0][:300]
        raise CheckpointError(
            f"{path} cannot be read as a checkpoint: {reason or type(error).__name__}. "
            "It may be damaged or of another kind; download it again."
        ) from error
    if not isinstance(content, dict) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in content.items()
    ):
        found = list(content)[:_LISTED] if isinstance(content, dict) else type(content).__name__
        raise CheckpointError(f"{path} does not hold named tensors, but {found}; save a state dict")
    return _weights(path, content)


def _weights(path: Path, content: dict[str, Tensor]) -> dict[str, Tensor]:
    """Refuse tensors that are no plain floating-point weights, or claim more than the file has."""
    tensors = {name: tensor for name, tensor in content.items() if not is_counter(name)}
    odd = [
        f"{name} ({tensor.dtype})"
        for name, tensor in tensors.items()
        if not tensor.is_floating_point() or tensor.layout != torch.strided or tensor.is_meta
    ]
    if odd:
        raise CheckpointError(
            f"{path} holds tensors that are no floating-point weights: "
            f"{', '.join(odd[:_LISTED])}. Quantised checkpoints are not supported."
        )
    claimed_bytes = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    if claimed_bytes > 2 * path.stat().st_size:
        raise CheckpointError(
            f"{path} claims {claimed_bytes:,} bytes of weights in a file of "
            f"{path.stat().st_size:,}: it is damaged or hostile"
        )
    return tensors


def load(checkpoint: Checkpoint) -> Loaded:
    """Build the network that a checkpoint holds, in float32 and evaluation mode, on the CPU.

    Raises:
        CheckpointError: The file is missing or damaged, or its tensors are not exactly the
            network's; the message names those that are missing, superfluous or of the wrong shape.
        RuntimeError: This process was forked after torch had run a network.
    """
    torch_threads.use()
    network = checkpoint.network
    tensors = read_tensors(checkpoint.path)
    try:
        module = network.build(tensors)
        return Loaded(module, network.constants(tensors))
    except MismatchError as mismatch:
        raise CheckpointError(
            f"{checkpoint.path} is not a {network.title} {network.variant} checkpoint: it "
            f"{mismatch}"
        ) from mismatch
