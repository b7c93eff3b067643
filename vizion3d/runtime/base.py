"""The protocol that every runtime fulfils."""

from collections.abc import Callable
from typing import Protocol

from vizion3d.checkpoints.store import Checkpoint
from vizion3d.core.arrays import Float32Array, UInt8Array


class Runtime(Protocol):
    """A loaded network. Safe to call from several threads."""

    @property
    def description(self) -> str:
        """Framework, device and precision, for people: ``"torch cpu fp32"``."""

    def infer(self, images: UInt8Array, size: tuple[int, int]) -> Float32Array:
        """Depth of a batch of images of equal shape, at the images' own size.

        Args:
            images: uint8 ``(N, H, W, 3)``, RGB.
            size: ``(height, width)`` in pixels at which the network sees them, multiples of 14.

        Returns:
            float32 ``(N, H, W)``: inverse depth, higher = closer; or metres, for a metric network.
        """
        ...


RuntimeLoader = Callable[[Checkpoint], Runtime]
