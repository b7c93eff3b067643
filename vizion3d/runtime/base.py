"""The protocol that every runtime fulfils."""

from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias

from vizion3d.checkpoints.store import Checkpoint
from vizion3d.core.arrays import Float32Array, UInt8Array
from vizion3d.networks.base import Network, Size

Images: TypeAlias = Mapping[str, UInt8Array]
"""Input's name -> uint8 RGB: ``(N, H, W, 3)``, or ``(H, W, 3)`` for one image."""
Maps: TypeAlias = Mapping[str, Float32Array]
"""Output's name -> float32: a map ``(N, H, W)``, or a vector ``(N, K)``; one image's without N."""

KEPT_SIZES = 8
"""Input sizes whose extra inputs a runtime keeps: a few megabytes each."""


class Runtime(Protocol):
    """A loaded network. Safe to call from several threads."""

    @property
    def description(self) -> str:
        """Framework, device and precision, for people: ``"torch cpu fp32"``."""

    @property
    def network(self) -> Network:
        """What the network says of itself: its recipe, inputs and outputs."""

    def infer(self, images: Images, size: Size) -> Maps:
        """Run a batch through the network.

        Args:
            images: One array for each of the network's inputs, uint8 ``(N, H, W, 3)``, RGB, all of
                the same shape. They are read, never written.
            size: ``(height, width)`` in pixels at which the network sees them, as the network's
                recipe says.

        Returns:
            One array for each of the network's outputs, float32: maps ``(N, H, W)`` at the images'
            own size, and in its pixels where their numbers are pixels; vectors ``(N, K)``.
        """
        ...


RuntimeLoader = Callable[[Checkpoint], Runtime]
