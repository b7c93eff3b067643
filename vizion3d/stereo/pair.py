"""Two photos made ready for matching, and what was found out about them."""

import math
from dataclasses import dataclass

from vizion3d.core.arrays import UInt8Array
from vizion3d.geometry.rectification import (
    SparseMatches,
    align_rows,
    match_features,
    rectify,
    row_offsets,
)
from vizion3d.stereo import photometry
from vizion3d.stereo.checks import check_overlap, check_sides, check_sizes
from vizion3d.stereo.config import DEFAULT_SIZE, StereoDepthAdvancedConfig
from vizion3d.stereo.matching import DisparityRange
from vizion3d.stereo.survey import Survey, survey

NOTABLE_ROWS_PX = 1.0
"""Rows that disagree by more are told."""
_FEWEST = 16
_MUCH_CLIPPED = 0.05


@dataclass(frozen=True)
class Pair:
    """A pair that can be matched.

    Attributes:
        seen: The left image, rectified, RGB uint8 ``(H, W, 3)``, as it was taken.
        left: The same, perhaps in the right image's light.
        right: The right image, rectified, perhaps in the left one's light.
        search: Where partners lie.
        config: For images of this size.
        notes: What a reader of the result should know.
    """

    seen: UInt8Array
    left: UInt8Array
    right: UInt8Array
    search: DisparityRange
    config: StereoDepthAdvancedConfig
    notes: tuple[str, ...]


def prepare(left: UInt8Array, right: UInt8Array, config: StereoDepthAdvancedConfig) -> Pair:
    """Rectify a pair, see how it lies, and make its exposure and light alike.

    Args:
        left: RGB uint8 ``(H, W, 3)``.
        right: The same, as the right camera took it.
        config: What is known of the cameras.

    Raises:
        InvalidImageError: The two are no pair; the message says what was seen.
        InvalidConfigError: The calibration is for images of another shape.
    """
    check_sizes(left, right)
    height, width = left.shape[:2]
    notes = assumptions(config, width, height)
    config = config.for_size(width, height)
    calibration = config.calibration
    if calibration and calibration.needs_rectification and config.rectify != "off":
        left, right = rectify(left, right, calibration)
    gray, other_gray = (photometry.gray_levels(image) for image in (left, right))
    matches = match_features(gray, other_gray)
    check_sides(gray, other_gray, matches, config.doffs)
    right, told = _with_equal_rows(right, matches, config)
    look = survey(left, right, config.doffs)
    told += check_overlap(gray, other_gray, matches, look)
    search = search_range(look, config, width)
    seen = left
    # The better exposed of the two is brought to the other's state: what was lost stays lost.
    clipped = [photometry.share_clipped(image) for image in (look.left, look.right)]
    if clipped[1] > clipped[0] + _MUCH_CLIPPED:
        left = photometry.equalise(left, look.seen_from_left())
    else:
        right = photometry.equalise(right, look.seen_from_right())
    return Pair(seen, left, right, search, config, (*notes, *told))


def assumptions(config: StereoDepthAdvancedConfig, width: int, height: int) -> tuple[str, ...]:
    """What the metres rest on that nobody gave."""
    told = []
    given = config.model_fields_set
    if "focal_length" not in given and (width, height) != DEFAULT_SIZE:
        told.append(
            f"focal_length was not given: {config.focal_length:g} px is assumed, which is for "
            f"images of {DEFAULT_SIZE[0]} x {DEFAULT_SIZE[1]} pixels, not {width} x {height}; "
            "distances are wrong in proportion"
        )
    if "baseline" not in given:
        told.append(
            f"baseline was not given: {config.baseline:g} mm is assumed; distances are wrong in "
            "proportion"
        )
    calibration = config.calibration
    if calibration and calibration.left.width_px not in (None, width):
        told.append(
            f"the calibration is for images of {calibration.left.width_px} x "
            f"{calibration.left.height_px} pixels; it was scaled to {width} x {height}"
        )
    return tuple(told)


def _with_equal_rows(
    right: UInt8Array, matches: SparseMatches, config: StereoDepthAdvancedConfig
) -> tuple[UInt8Array, tuple[str, ...]]:
    """The right image, turned if that is asked for and needed; and what was seen of the rows."""
    height, width = right.shape[:2]
    offsets = row_offsets(matches, height)
    if config.rectify == "off" or offsets is None or offsets.typical_px <= NOTABLE_ROWS_PX:
        return right, ()
    if config.rectify == "auto":
        aligned = align_rows(matches, config.focal_length, width, height)
        pitch, yaw, roll = aligned.angles_deg
        return aligned.apply(right), (
            f"the rows of the two images lay {offsets.typical_px:.1f} px apart; the right image "
            f"was turned by its content (pitch {pitch:.2f}°, yaw {yaw:.2f}°, roll {roll:.2f}°), to "
            f"{aligned.remaining_px:.1f} px: metres hold only roughly",
        )
    return right, (
        f"the rows of the two images lie {offsets.typical_px:.1f} px apart (the left one's points "
        f"{offsets.median_px:+.1f} px lower in the middle): the pair is not rectified, and matches "
        "are missing or wrong; use a calibration with both cameras' distortion and pose, or "
        "rectify='auto'",
    )


def search_range(look: Survey, config: StereoDepthAdvancedConfig, width: int) -> DisparityRange:
    """Where partners are looked for.

    What ``min_depth_m`` and ``z_far`` say, if both are set; else what a first look shows, with
    ``min_depth_m`` as the near end if it is set; else, if the look shows too little, ``z_far`` and
    a third of the width.

    Args:
        look: The first look.
        config: The cameras.
        width: Of the images, pixels.
    """
    seen = look.range()
    lowest = math.floor(config.disparity_px(config.z_far))
    highest = lowest + width // 3
    near_m = config.min_depth_m
    if seen and not (near_m is not None and "z_far" in config.model_fields_set):
        lowest, highest = seen.lowest_px, seen.highest_px
    if near_m is not None:
        highest = math.ceil(config.disparity_px(near_m))
    lowest = max(lowest, -width + 1)
    lowest = min(lowest, width - _FEWEST)
    highest = min(max(highest, lowest + _FEWEST - 1), width - 1)
    return DisparityRange(lowest, highest)
