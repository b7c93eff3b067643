"""The input recipe of Depth Anything V2: sizes and constants.

RGB / 255 in float32, then bicubic (a = -0.75, no antialiasing, half-pixel centres) to
:func:`network_size`, then the ImageNet mean and deviation. The network's output is resized to the
image bilinearly with aligned corners. Each runtime carries the recipe out with its own operators,
on its own device.
"""

import math

from vizion3d.errors import InvalidImageError

MEAN = (0.485, 0.456, 0.406)
"""ImageNet mean of R, G, B in [0, 1]."""
STD = (0.229, 0.224, 0.225)
"""ImageNet standard deviation of R, G, B in [0, 1]."""

PATCH_SIZE = 14
DEFAULT_INPUT_SIZE = 518
MAX_PATCHES = 1 << 14
"""Most patches that one image may become: attention over more would take minutes and gigabytes."""


def network_size(height: int, width: int, input_size: int = DEFAULT_INPUT_SIZE) -> tuple[int, int]:
    """The size at which the network sees an image, ``(height, width)`` in pixels.

    The larger of the two scales that bring a side to ``input_size`` is applied to both ("lower
    bound"), so the shorter side becomes ``input_size``; each side is then rounded to a multiple of
    14, upwards where it would fall below ``input_size``.

    Raises:
        InvalidImageError: The image would become more than ``MAX_PATCHES`` patches.
    """
    scale = max(input_size / height, input_size / width)

    def side(length: int) -> int:
        rounded = round(scale * length / PATCH_SIZE) * PATCH_SIZE
        if rounded < input_size:
            rounded = math.ceil(scale * length / PATCH_SIZE) * PATCH_SIZE
        return rounded

    size = side(height), side(width)
    patches = size[0] * size[1] // PATCH_SIZE**2
    if patches > MAX_PATCHES:
        raise InvalidImageError(
            f"an image of {width} x {height} pixels at input size {input_size} becomes {patches} "
            f"patches, more than the limit of {MAX_PATCHES}: crop it to a less extreme shape, or "
            "lower the input size"
        )
    return size
