"""The input recipe of Depth Anything 3: the longer side becomes 504 pixels."""

from dataclasses import dataclass

import numpy as np

from vizion3d.core.arrays import UInt8Array
from vizion3d.networks.base import Recipe, Size
from vizion3d.networks.depth_anything_3.config import PATCH_SIZE

INPUT_SIZE = 504


def resize(images: UInt8Array, size: Size) -> UInt8Array:
    """Images as the reference code resizes them: in 8 bits, and in two steps.

    The longer side becomes the longer one of ``size``, the other follows in proportion; what is
    then left to make both fit is a second, small step. Each step averages areas when it shrinks,
    and is bicubic when it enlarges. OpenCV does both, because the reference does: no other
    library's areas and rounding are the same.

    Args:
        images: uint8 ``(N, H, W, 3)``.
        size: ``(height, width)`` in pixels, see :meth:`Recipe.network_size`.

    Returns:
        uint8 ``(N, *size, 3)``.
    """
    first = _in_proportion(images.shape[1], images.shape[2], max(size))
    return np.stack([_step(_step(image, first), size) for image in images])


def _in_proportion(height: int, width: int, longer: int) -> Size:
    scale = longer / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def _step(image: UInt8Array, size: Size) -> UInt8Array:
    height, width = image.shape[:2]
    if (height, width) == size:
        return image
    import cv2

    enlarges = size[0] > height or size[1] > width
    interpolation = cv2.INTER_CUBIC if enlarges else cv2.INTER_AREA
    resized = cv2.resize(image, (size[1], size[0]), interpolation=interpolation)
    return np.asarray(resized, np.uint8)


@dataclass(frozen=True)
class DepthAnything3Recipe(Recipe):
    """Rounds sides as the reference does: to pixels first, then to the nearest multiple, up on a
    tie. The longer side itself is rounded to a multiple before everything else."""

    def network_size(self, height: int, width: int, input_size: int | None = None) -> Size:
        """See :meth:`Recipe.network_size`."""
        longer = self._nearest(self.input_size if input_size is None else input_size)
        sides = _in_proportion(height, width, longer)
        rounded = self._nearest(sides[0]), self._nearest(sides[1])
        self.check_cells((height, width), rounded, longer)
        return rounded

    def _nearest(self, side: int) -> int:
        return max(1, (side + self.multiple // 2) // self.multiple) * self.multiple


RECIPE = DepthAnything3Recipe(
    input_size=INPUT_SIZE, multiple=PATCH_SIZE, bound="longer", host_resize=resize
)
