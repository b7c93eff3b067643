"""Semi-global matching (Hirschmüller 2008), by OpenCV, made good."""

import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vizion3d.core.arrays import BoolArray, Float32Array, UInt8Array
from vizion3d.stereo import filling, photometry, subpixel
from vizion3d.stereo.matching import DisparityRange, Match

_BLOCK_PX = 3
_SMALL_STEP, _LARGE_STEP = 5, 14
"""Penalties of a step of one disparity and of a larger one, for each value of a block. Lower than
OpenCV's usual 8 and 32: thin things survive, and what comes out wrong is found out afterwards."""
_MOST_SLOPE = 15
"""Gradients count up to this, so that a strong edge has no more say than a weak one."""
_AGREEMENT_PX = 0.75
_SPECKLE_PX, _SPECKLE_STEP_PX = 60, 1.0
STEP = 16
"""Disparities come in sixteenths, and their count in multiples of sixteen."""
_LONGEST_STEP_PX = 0.5
_MISSING = -32768 // 2

MOST_PIXELS = 8_000_000
"""A larger pair is matched at half its size: beyond this, memory would grow with it."""

MOST_CELLS = 60_000_000
"""Pixels times disparities up to which the images are matched as they are; beyond, smaller ones."""


class SemiGlobalMatcher:
    """OpenCV's semi-global matching and what it lacks.

    The pair is padded, so that the left border is matched as well; the right image is given the
    left one's exposure and light; both directions are matched and must agree; islands are dropped;
    disparities are refined by the images' gradients; pixels beside an edge whose colour belongs to
    the other side of it are dropped.

    Args:
        scale_factor: Size at which the images are matched, relative to theirs; ``None``: 1, or as
            much less as keeps the work within :data:`MOST_CELLS`.
    """

    def __init__(self, scale_factor: float | None = None) -> None:
        self._scale_factor = scale_factor

    def _at_half_size(self, left: UInt8Array, right: UInt8Array, search: DisparityRange) -> Match:
        small = self.match(resized(left, 0.5), resized(right, 0.5), search.scaled(0.5))
        size = left.shape[1], left.shape[0]
        return Match(
            _nearest(small.disparity * np.float32(left.shape[1] / small.disparity.shape[1]), size),
            _nearest(small.valid.astype(np.uint8), size) > 0,
            _nearest(small.confidence, size),
            _nearest(small.visibility, size),
        )

    def match(self, left: UInt8Array, right: UInt8Array, search: DisparityRange) -> Match:
        """See :class:`vizion3d.stereo.matching.Matcher`."""
        height, width = left.shape[:2]
        if height * width > MOST_PIXELS:
            return self._at_half_size(left, right, search)
        scale = self._scale_factor or _affordable_scale(height * width, search.count)
        small_left, small_right = (resized(image, scale) for image in (left, right))
        disparity, other = match_both(small_left, small_right, search.scaled(scale))
        agreed, visible = compare(disparity, other)
        kept = without_islands(disparity, agreed)
        whole = filling.from_background(disparity, kept)
        edges = filling.edges(whole)
        weight = np.where(kept, np.float32(1), np.float32(filling.GUESS))
        voted = filling.vote(small_left, whole, weight, edges & kept)
        kept &= np.abs(voted - whole) < filling.EDGE_PX
        if scale != 1:
            size = (width, height)
            whole = _nearest(whole * np.float32(width / whole.shape[1]), size)
            kept, visible = (_nearest(mask.astype(np.uint8), size) > 0 for mask in (kept, visible))
        refined, correlation = subpixel.refine(
            photometry.gray_levels(left), photometry.gray_levels(right), whole
        )
        # A longer step is no refinement: the gradients were of something else.
        refined = np.where(np.abs(refined - whole) < _LONGEST_STEP_PX / scale, refined, whole)
        refined = _without_outliers(refined)
        confidence = np.where(kept, 0.5 + 0.5 * np.clip(correlation, 0, 1), 0)
        return Match(
            np.where(kept, refined, np.float32(0)),
            kept,
            confidence.astype(np.float32),
            visible.astype(np.float32),
        )


def _nearest(values: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    return cv2.resize(values, size, interpolation=cv2.INTER_NEAREST)


def _without_outliers(disparity: Float32Array) -> Float32Array:
    """What strays from its neighbours by less than an edge does is set to their median."""
    median = np.asarray(cv2.medianBlur(disparity, 5), np.float32)
    return np.where(np.abs(disparity - median) < filling.EDGE_PX, median, disparity)


def _affordable_scale(pixels: int, disparities: int) -> float:
    """Work goes with the cube of the scale; only halves are taken, for sharp small images."""
    excess = pixels * disparities / MOST_CELLS
    return 1.0 if excess <= 1 else 0.5 ** math.ceil(math.log(excess, 8))


def resized(image: UInt8Array, scale: float) -> UInt8Array:
    """``image`` times ``scale``."""
    if scale == 1:
        return image
    height, width = (max(1, round(scale * length)) for length in image.shape[:2])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (width, height), interpolation=how), np.uint8)


def match_both(
    left: UInt8Array, right: UInt8Array, search: DisparityRange
) -> tuple[Float32Array, Float32Array]:
    """Disparity of the left image's pixels and of the right one's, ``(H, W)`` each, in pixels.

    The right one's by matching the mirrored pair: in a mirror, right is left.
    """
    with ThreadPoolExecutor(1) as other:
        mirrored = other.submit(_match_left, right[:, ::-1], left[:, ::-1], search)
        disparity = _match_left(left, right, search)
    return disparity, np.ascontiguousarray(mirrored.result()[:, ::-1])


def _match_left(left: UInt8Array, right: UInt8Array, search: DisparityRange) -> Float32Array:
    channels = 1 if left.ndim == 2 else left.shape[2]
    values = channels * _BLOCK_PX**2
    count = -(-search.count // STEP) * STEP
    matcher = cv2.StereoSGBM.create(
        minDisparity=search.lowest_px,
        numDisparities=count,
        blockSize=_BLOCK_PX,
        P1=_SMALL_STEP * values,
        P2=_LARGE_STEP * values,
        disp12MaxDiff=-1,
        preFilterCap=_MOST_SLOPE,
        mode=cv2.StereoSGBM_MODE_SGBM_3WAY,
    )
    # Without these, columns whose search leaves the right image are not matched at all.
    before, after = max(0, search.lowest_px + count), max(0, -search.lowest_px)
    padded = (
        cv2.copyMakeBorder(image, 0, 0, before, after, cv2.BORDER_REPLICATE)
        for image in (left, right)
    )
    sixteenths = matcher.compute(*padded)[:, before : before + left.shape[1]]
    return np.asarray(sixteenths, np.float32) / np.float32(STEP)


def compare(disparity: Float32Array, other: Float32Array) -> tuple[BoolArray, BoolArray]:
    """Left-right check: does the partner name this pixel as its own partner?

    Returns:
        Where both directions agree; and where nothing nearer hides the point in the right image.
    """
    columns, rows = subpixel.pixel_grid(*disparity.shape)
    # Outside of the right image: agrees with nothing, and is hidden.
    theirs = cv2.remap(
        np.ascontiguousarray(other),
        np.rint(columns - disparity),
        rows,
        cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=float("inf"),
    )
    nearer_px = np.asarray(theirs, np.float32) - disparity
    return np.abs(nearer_px) <= _AGREEMENT_PX, nearer_px <= _AGREEMENT_PX


def without_islands(disparity: Float32Array, kept: BoolArray) -> BoolArray:
    """Drop patches of few pixels that stand alone at their disparity."""
    sixteenths = np.where(kept, np.rint(disparity * STEP), _MISSING).astype(np.int16)
    cv2.filterSpeckles(sixteenths, _MISSING, _SPECKLE_PX, int(_SPECKLE_STEP_PX * STEP))
    return np.asarray(kept & (sixteenths != _MISSING))
