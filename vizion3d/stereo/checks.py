"""Whether two photos are a pair: what is certainly none is refused, what may be none is told."""

import cv2
import numpy as np

from vizion3d.core.arrays import UInt8Array
from vizion3d.errors import InvalidImageError
from vizion3d.geometry.rectification import CHANCE, ENOUGH, SparseMatches, match_features
from vizion3d.stereo import photometry
from vizion3d.stereo.survey import Survey

_OVERLAP = 0.12
"""Share of the features that find partners in one row, in a pair of one scene."""
_ALIKE = 0.01
"""Share of the features whose partner looks the same, wherever it lies: in photos of different
scenes next to none; in repeating patterns many."""
_COARSE = 0.15
"""Share of the coarse disparities in which both directions agree, at most, in photos of different
scenes."""
_MIRRORED = 3
"""How many times as many partners there are in a mirror, where an image is mirrored."""


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


def check_sides(
    left: UInt8Array, right: UInt8Array, matches: SparseMatches, doffs_px: float
) -> None:
    """Refuse two photos whose sides are confused; with few partners nothing is said.

    Args:
        left: Grey uint8 ``(H, W)``.
        right: The same.
        matches: Of the two.
        doffs_px: Disparity of the farthest points is its negative.

    Raises:
        InvalidImageError: One is mirrored, left and right are swapped, or both are the same photo.
    """
    height, width = left.shape
    if matches.found < 4 * ENOUGH:
        return
    near = matches.inliers(height)
    if len(near.left_px) < max(ENOUGH, _OVERLAP * matches.found):
        _check_mirror(left, right, matches.found, len(near.left_px))
        return
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
    if np.quantile(np.abs(near.offsets_px), 0.8) < 0.3 and _differ_little(left, right):
        raise InvalidImageError(
            "the left and the right image are the same photo twice: no point of it moves between "
            "them; send the photo that the right camera took as the right image"
        )


def _check_mirror(left: UInt8Array, right: UInt8Array, found: int, partners: int) -> None:
    mirrored = match_features(left, np.ascontiguousarray(right[:, ::-1])).inliers(left.shape[0])
    count = len(mirrored.left_px)
    if count >= max(2 * ENOUGH, _OVERLAP * found, _MIRRORED * partners):
        raise InvalidImageError(
            "one of the two images is mirrored: the left one's features are found in the mirror "
            f"image of the right one ({count} of {found}); mirror it back"
        )


def _differ_little(left: UInt8Array, right: UInt8Array) -> bool:
    return float(cv2.absdiff(cv2.blur(left, (3, 3)), cv2.blur(right, (3, 3))).mean()) < 2.0


def check_overlap(
    left: UInt8Array, right: UInt8Array, matches: SparseMatches, look: Survey
) -> tuple[str, ...]:
    """Refuse two photos that certainly show no common scene.

    That is certain where neither features nor the coarse disparities agree more than by chance, no
    feature looks like one of the other photo, and both photos show enough to tell.

    Args:
        left: Grey uint8 ``(H, W)``.
        right: The same.
        matches: Of the two.
        look: The pair matched at a small size.

    Returns:
        What a reader of the result should know where it may be so.

    Raises:
        InvalidImageError: Saying what was seen.
    """
    found, partners = matches.found, len(matches.inliers(left.shape[0]).left_px)
    if found < 4 * ENOUGH or partners >= max(ENOUGH, _OVERLAP * found):
        return ()
    if (
        partners < max(ENOUGH, CHANCE * found)
        and matches.alike < _ALIKE * found
        and look.known.mean() < _COARSE
        and all(photometry.is_legible(gray) for gray in (left, right))
    ):
        raise InvalidImageError(
            f"the two images show no common scene: of {found} features only {partners} have a "
            "partner in the other image, and none looks alike; both cameras must see the same "
            "things from places beside one another"
        )
    return (
        f"of {found} features only {partners} have a partner in the other image: a photo is far "
        "too bright or dark, blurred, or full of repeating patterns, or the two show different "
        "scenes; depth may be missing or wrong",
    )
