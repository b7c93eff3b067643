"""Reading a checkpoint file safely, and building the network that it holds."""

import pickle
import re
import zipfile
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from vizion3d.errors import CheckpointError
from vizion3d.networks.depth_anything_v2.config import config_from_shapes
from vizion3d.networks.depth_anything_v2.model import DepthAnythingV2

_LISTED = 5


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a ``.safetensors``, ``.pth`` or ``.pt`` file, on the CPU.

    Nothing in the file is executed: pickles are read with ``weights_only=True``.

    Raises:
        CheckpointError: The file is missing, damaged, or holds anything but named tensors.
    """
    try:
        if path.suffix.lower() == ".safetensors":
            tensors = load_file(path)
            _check_kinds(path, tensors)
            return tensors
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
    # Readers meet damaged bytes with whatever exception comes to hand.
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
    _check_kinds(path, content)
    return content


def _check_kinds(path: Path, tensors: dict[str, Tensor]) -> None:
    """Refuse tensors that are no plain floating-point weights, or claim more than the file has."""
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


def load_network(path: Path, max_depth_m: float | None = None) -> DepthAnythingV2:
    """Build the network that a checkpoint holds, in float32 and evaluation mode, on the CPU.

    Args:
        path: The checkpoint file.
        max_depth_m: Range of a metric checkpoint; ``None`` for a relative one.

    Raises:
        CheckpointError: The file is not a Depth Anything V2 checkpoint; the message names the
            tensors that are missing, superfluous or of the wrong shape.
    """
    tensors = read_tensors(path)
    config = config_from_shapes({n: tuple(t.shape) for n, t in tensors.items()}, str(path))
    with torch.device("meta"):
        network = DepthAnythingV2(config, max_depth_m)
    expected = network.state_dict()
    faults = [f"lacks {n}" for n in expected if n not in tensors]
    faults += [f"has an unknown {n}" for n in tensors if n not in expected]
    faults += [
        f"has {n} of shape {tuple(tensors[n].shape)}, expected {tuple(t.shape)}"
        for n, t in expected.items()
        if n in tensors and tensors[n].shape != t.shape
    ]
    if faults:
        more = f" and {len(faults) - _LISTED} more" if len(faults) > _LISTED else ""
        raise CheckpointError(
            f"{path} is not a Depth Anything V2 {config.variant} checkpoint: it "
            + ", ".join(faults[:_LISTED])
            + more
        )
    # A copy of its own, so that the file may be replaced while the network lives.
    own = {name: tensor.to(torch.float32, copy=True) for name, tensor in tensors.items()}
    network.load_state_dict(own, assign=True)
    return network.eval().requires_grad_(False)
