"""How images become inputs of a network."""

import math
from dataclasses import dataclass, field
from typing import Literal, Protocol

from vizion3d.core.arrays import UInt8Array
from vizion3d.errors import InvalidImageError

Size = tuple[int, int]
"""``(height, width)``, in pixels."""

MIN_INPUT_SIZE = 14
"""Least input size that a command may wish for, in pixels."""


class HostResize(Protocol):
    """Resizes images on the CPU, before the runtime sees them."""

    def __call__(self, images: UInt8Array, size: Size) -> UInt8Array:
        """uint8 ``(N, H, W, 3)`` -> uint8 ``(N, *size, 3)``."""


@dataclass(frozen=True)
class Recipe:
    """How an image becomes the network's input, and a map of the network one of the image.

    RGB / 255 in float32, resized to :meth:`network_size` (bicubic, a = -0.75, without
    antialiasing, half-pixel centres), minus ``mean``, divided by ``deviation``. Maps are resized
    back bilinearly. Each runtime carries this out with its own operators, on its own device.

    Attributes:
        input_size: The side that ``bound`` names, in pixels, if the caller wishes none: the size at
            which this network is best.
        multiple: Both sides of the input are multiples of this, in pixels.
        bound: Which side becomes ``input_size``: ``"shorter"`` (the other is longer, nothing falls
            below), or ``"longer"`` (the other is shorter).
        mean: Of R, G, B in [0, 1]; ImageNet's by default.
        deviation: Of R, G, B in [0, 1]; ImageNet's by default.
        align_corners: Whether maps are resized back with aligned corners, else half-pixel centres.
        max_cells: Most squares of ``multiple`` pixels that one image may become.
        host_resize: In place of the bicubic resizing, for recipes that no runtime has operators
            for.
    """

    input_size: int
    multiple: int
    bound: Literal["shorter", "longer"] = "shorter"
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    deviation: tuple[float, float, float] = (0.229, 0.224, 0.225)
    align_corners: bool = True
    max_cells: int = 1 << 14
    host_resize: HostResize | None = field(default=None, repr=False)

    def network_size(self, height: int, width: int, input_size: int | None = None) -> Size:
        """The size at which the network sees an image, ``(height, width)`` in pixels.

        One scale brings the bounding side to ``input_size``; each side is then rounded to the
        nearest multiple, upwards where a lower bound asks for it.

        Args:
            height: Of the image, in pixels.
            width: Of the image, in pixels.
            input_size: In place of the recipe's own.

        Raises:
            InvalidImageError: The image would become more than ``max_cells`` squares.
        """
        wanted = self.input_size if input_size is None else input_size
        lower = self.bound == "shorter"
        scale = (max if lower else min)(wanted / height, wanted / width)

        def side(length: int) -> int:
            squares = scale * length / self.multiple
            rounded = round(squares)
            if lower and rounded * self.multiple < wanted:
                rounded = math.ceil(squares)
            return max(1, rounded) * self.multiple

        size = side(height), side(width)
        self.check_cells((height, width), size, wanted)
        return size

    def check_cells(self, image: Size, network: Size, input_size: int) -> None:
        """Refuse what would become more than ``max_cells`` squares.

        Raises:
            InvalidImageError: With the numbers.
        """
        cells = network[0] * network[1] // self.multiple**2
        if cells > self.max_cells:
            raise InvalidImageError(
                f"an image of {image[1]} x {image[0]} pixels at input size {input_size} becomes "
                f"{cells} patches, more than the limit of {self.max_cells}: crop it to a less "
                "extreme shape, or lower the input size"
            )
