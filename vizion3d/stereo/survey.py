"""A first look at a pair: how it lies, and where partners are."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from vizion3d.core.arrays import BoolArray, Float32Array, UInt8Array
from vizion3d.stereo import photometry
from vizion3d.stereo.matching import DisparityRange
from vizion3d.stereo.photometry import SharedView
from vizion3d.stereo.sgbm import STEP, compare, match_both, without_islands

COARSE_PX = 192
"""Width at which the pair is matched first."""
_MOST_SHARE, _LEAST_SHARE = 0.6, -0.15
"""Disparities that are looked for at first, relative to the width."""
_TAIL = 0.004
"""Share of the coarse disparities that may lie beyond each end of the range: mismatches."""


@dataclass(frozen=True)
class Survey:
    """A pair matched at a small size.

    Attributes:
        left: The small left image, RGB uint8 ``(h, w, 3)``.
        right: The small right image.
        scale: The small width relative to the full one.
        disparity: Of the left image's pixels, in full-size pixels.
        known: Where that is trusted.
        other_disparity: Of the right image's pixels.
        other_known: Where that is trusted.
        farthest_px: Disparity that no point can lie below.
    """

    left: UInt8Array
    right: UInt8Array
    scale: float
    disparity: Float32Array
    known: BoolArray
    other_disparity: Float32Array
    other_known: BoolArray
    farthest_px: int

    def range(self) -> DisparityRange | None:
        """Where the disparities lie, with some room; ``None``: too little is known to say."""
        if self.known.mean() < 0.15:
            return None
        low, high = np.quantile(self.disparity[self.known], (_TAIL, 1 - _TAIL))
        room = 1.5 / self.scale + 0.08 * (high - low)
        lowest, highest = math.floor(low - room / 2), math.ceil(high + room)
        # The matcher looks at multiples of sixteen: a few more than one of them would cost a fifth
        # of the time, and half of the room does as well.
        excess = (highest - lowest + 1) % STEP
        if excess <= 0.75 * room:
            lowest, highest = lowest + excess // 3, highest - (excess - excess // 3)
        return DisparityRange(max(lowest, self.farthest_px), highest)

    def seen_from_left(self) -> SharedView:
        """What both see, as the left image has it."""
        return _view(self.left, self.right, self.disparity * self.scale, self.known, -1)

    def seen_from_right(self) -> SharedView:
        """What both see, as the right image has it."""
        return _view(self.right, self.left, self.other_disparity * self.scale, self.other_known, 1)


def _view(
    first: UInt8Array, second: UInt8Array, shift: Float32Array, seen: BoolArray, sign: int
) -> SharedView:
    width = first.shape[1]
    partner = np.rint(np.arange(width) + sign * shift).astype(np.intp).clip(0, width - 1)
    warped = np.take_along_axis(second, partner[..., None], axis=1)
    return SharedView(first, warped, seen)


def survey(left: UInt8Array, right: UInt8Array, doffs_px: float = 0.0) -> Survey:
    """Match small versions of the pair, their exposure and light taken out.

    Args:
        left: RGB uint8 ``(H, W, 3)``.
        right: The same, rectified.
        doffs_px: Disparity of the farthest points is its negative.
    """
    height, width = left.shape[:2]
    small_width = min(width, COARSE_PX)
    scale = small_width / width
    size = (small_width, max(1, round(height * scale)))
    small_left, small_right = (
        np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        for image in (left, right)
    )
    plain_left, plain_right = (
        photometry.normalised(photometry.gray_levels(image), max(3.0, small_width / 24))
        for image in (small_left, small_right)
    )
    farthest = math.floor(min(_LEAST_SHARE * small_width, -doffs_px * scale))
    farthest = max(farthest, 1 - small_width)
    search = DisparityRange(farthest, math.ceil(_MOST_SHARE * small_width))
    disparity, other = match_both(plain_left, plain_right, search)
    agreed, _ = compare(disparity, other)
    other_agreed, _ = compare(other[:, ::-1], disparity[:, ::-1])
    return Survey(
        small_left,
        small_right,
        scale,
        disparity / np.float32(scale),
        without_islands(disparity, agreed),
        other / np.float32(scale),
        without_islands(other, other_agreed[:, ::-1]),
        math.floor(-doffs_px - 2 / scale),
    )
