"""Convolutions in full float32 on CUDA, whatever the process has set."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Switch:
    """A setting of torch's.

    Attributes:
        holder: The object that has it.
        name: Its name there.
        exact: Its value for full float32.
    """

    holder: Any
    name: str
    exact: bool | str


def cudnn_switch() -> Switch:
    """The switch for TF32 in cuDNN that this process uses."""
    cudnn: Any = torch.backends.cudnn
    try:
        cudnn.allow_tf32  # noqa: B018 (it raises where the newer one is in use)
    except RuntimeError:
        return Switch(cudnn.conv, "fp32_precision", "ieee")
    return Switch(cudnn, "allow_tf32", False)


class ExactConvolutions:
    """Switches TF32, whose mantissa has 10 bits, off for as long as anybody needs that.

    torch has the switch for the whole process. So the first who enters remembers how it was and the
    last who leaves puts it back, unless somebody else has set it meanwhile: of several threads none
    loses the switch while it computes, and the process is left as it was.

    Args:
        find_switch: Finds the switch when it is needed.
    """

    def __init__(self, find_switch: Callable[[], Switch] = cudnn_switch) -> None:
        self._find_switch = find_switch
        self._lock = threading.Lock()
        self._inside = 0

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """What follows convolves in full float32."""
        with self._lock:
            if self._inside == 0:
                self._switch = switch = self._find_switch()
                self._before = getattr(switch.holder, switch.name)
                setattr(switch.holder, switch.name, switch.exact)
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                switch = self._switch
                if self._inside == 0 and getattr(switch.holder, switch.name) == switch.exact:
                    setattr(switch.holder, switch.name, self._before)
