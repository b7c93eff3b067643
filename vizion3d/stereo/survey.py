"""A first look at a pair: whether it is one, how it lies, and where partners are."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from vizion3d.core.arrays import BoolArray, Float32Array, UInt8Array
from vizion3d.errors import InvalidImageError
from vizion3d.geometry.rectification import ENOUGH, SparseMatches, match_features
from vizion3d.stereo import photometry
from vizion3d.stereo.matching import DisparityRange
from vizion3d.stereo.photometry import SharedView
from vizion3d.stereo.sgbm import STEP, compare, match_both, without_islands

COARSE_PX = 192
"""Width at which the pair is matched first."""
_MOST_SHARE, _LEAST_SHARE = 0.6, -0.15
"""Disparities that are looked for at first, relative to the width."""
_OVERLAP = 0.12
"""Share of the features that must find partners in one row, in a pair of one scene."""
_TAIL = 0.004
"""Share of the coarse disparities that may lie beyond each end of the range: mismatches."""


def check_sizes(left: UInt8Array, right: UInt8Array) -> None:
    """Refuse a pair that cannot be one.

    Raises:
        InvalidImageError: Different sizes, or the same image twice.
    """
    if left.shape != right.shape:
        sizes = [f"{image.shape[1]} x {image.shape[0]}" for image in (left, right)]
        raise InvalidImageError(
            f"the left image has {sizes[0]} pixels, the right one {sizes[1]}; both must be of one "
            "size, from two equal cameras or from one that was moved"
        )
    if np.array_equal(left, right) and left.min() != left.max():
        raise InvalidImageError(
            "the left and the right image are the same, pixel by pixel; send the photo that the "
            "right camera took as the right image"
        )


def check_matches(
    left: UInt8Array, right: UInt8Array, matches: SparseMatches, doffs_px: float
) -> None:
    """Refuse two photos that show no common scene, or whose sides are confused.

    Args:
        left: Grey uint8 ``(H, W)``.
        right: The same.
        matches: Of the two.
        doffs_px: Disparity of the farthest points is its negative.

    Raises:
        InvalidImageError: Saying what was seen.
    """
    height, width = left.shape
    if matches.found < 4 * ENOUGH:
        return  # too plain to say anything
    near = matches.inliers(height)
    if len(near.left_px) < max(ENOUGH, _OVERLAP * matches.found):
        mirrored = match_features(left, np.ascontiguousarray(right[:, ::-1])).inliers(height)
        if len(mirrored.left_px) >= max(2 * ENOUGH, _OVERLAP * matches.found):
            raise InvalidImageError(
                "one of the two images is mirrored: the left one's features are found in the "
                f"mirror image of the right one ({len(mirrored.left_px)} of {matches.found}); "
                "mirror it back"
            )
        raise InvalidImageError(
            "the two images show no common scene: of "
            f"{matches.found} features only {len(near.left_px)} have a partner in the other image; "
            "both cameras must see the same things from places beside one another"
        )
    shift = near.offsets_px[:, 0]
    limit = -doffs_px - max(1.0, 0.002 * width)
    # Points farther than infinity: some are mismatches, many are another matter.
    behind, behind_if_exchanged = (float((side < limit).mean()) for side in (shift, -shift))
    if behind > 0.2 and behind_if_exchanged < behind / 4:
        raise InvalidImageError(
            f"left and right are swapped (or both images are mirrored): {behind:.0%} of the "
            f"{len(shift)} matched points lie farther left in the left image than a point at any "
            f"distance can, by {-np.median(shift[shift < limit] + doffs_px):.1f} px in the middle; "
            "exchange the two images"
        )
    if np.quantile(np.abs(near.offsets_px), 0.95) < 0.3 and _differ_little(left, right):
        raise InvalidImageError(
            "the left and the right image are the same photo twice: no point of it moves between "
            "them; send the photo that the right camera took as the right image"
        )


def _differ_little(left: UInt8Array, right: UInt8Array) -> bool:
    return float(cv2.absdiff(cv2.blur(left, (3, 3)), cv2.blur(right, (3, 3))).mean()) < 2.0


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
