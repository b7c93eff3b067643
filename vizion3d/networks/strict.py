"""Weights into a module, all of them and nothing else."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

from vizion3d.networks.base import MismatchError

M = TypeVar("M", bound=nn.Module)

_LISTED = 5


def fill(make: Callable[[], M], tensors: Mapping[str, Tensor]) -> M:
    """Make a module and give it a checkpoint's weights: float32, on the CPU, in evaluation mode.

    Args:
        make: Makes the module. It is called where new parameters take no memory.
        tensors: Parameter or buffer name -> value, in any floating-point type. The counters of
            batch normalization, which are no weights, are neither asked for nor taken.

    Raises:
        MismatchError: A tensor is missing, superfluous or of another shape.
    """
    with torch.device("meta"):
        module = make()
    state = module.state_dict()
    expected = {name: tensor for name, tensor in state.items() if tensor.is_floating_point()}
    faults = [f"lacks {name}" for name in expected if name not in tensors]
    faults += [f"has an unknown {name}" for name in tensors if name not in expected]
    faults += [
        f"has {name} of shape {tuple(tensors[name].shape)}, expected {tuple(wanted.shape)}"
        for name, wanted in expected.items()
        if name in tensors and tensors[name].shape != wanted.shape
    ]
    if faults:
        more = f" and {len(faults) - _LISTED} more" if len(faults) > _LISTED else ""
        raise MismatchError(", ".join(faults[:_LISTED]) + more)
    # A copy of its own, so that the file may be replaced while the module lives.
    own = {name: tensor.to(torch.float32, copy=True) for name, tensor in tensors.items()}
    own |= {n: torch.zeros(t.shape, dtype=t.dtype) for n, t in state.items() if n not in expected}
    module.load_state_dict(own, assign=True)
    return module.eval().requires_grad_(False)
