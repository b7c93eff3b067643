"""Pixels without a partner: what their surroundings say."""

import itertools
import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vizion3d.core.arrays import BoolArray, Float32Array, UInt8Array

VOTE_RADIUS_PX = 8
_VOTE_STEP_PX = 4
_HALVING = 12.0
"""Difference of colour (levels of 255, over three channels) that halves a neighbour's vote."""
_MOST_PIXELS = 500_000
"""A larger image is filled at half its size, or a quarter ...: what is filled has no detail."""
EDGE_PX = 2.0
"""Difference of disparity that separates two surfaces."""
GUESS = 0.5
"""Weight in a vote of a pixel whose disparity is itself only filled in."""


def from_background(disparity: Float32Array, known: BoolArray) -> Float32Array:
    """Fill each gap of a row with the farther of the values beside it.

    What hides from the right camera lies behind what hides it, so an occlusion continues the
    background (Hirschmüller 2008, *Stereo Processing by Semiglobal Matching*, section 2.6). Rows
    without any value take those of the row above or below; without any at all, 0.
    """
    height, width = disparity.shape
    columns = np.arange(width)
    # Index of the closest known pixel to the left, and to the right; -1 and width: there is none.
    before = np.maximum.accumulate(np.where(known, columns, -1), axis=1)
    after = np.minimum.accumulate(np.where(known, columns, width)[:, ::-1], axis=1)[:, ::-1]
    values = np.full((height, width + 2), np.inf, np.float32)
    values[:, 1:-1] = disparity
    first = (np.arange(height) * (width + 2) + 1)[:, None]
    filled = np.minimum(values.take(before + first), values.take(after + first))
    told = known.any(axis=1)
    if not told.all():
        if not told.any():
            return np.zeros_like(disparity)
        nearest = np.flatnonzero(told)
        at = np.searchsorted(nearest, np.arange(height)).clip(0, len(nearest) - 1)
        lower = nearest[(at - 1).clip(0)]
        upper = nearest[at]
        rows = np.arange(height)
        filled = filled[np.where(abs(rows - lower) <= abs(rows - upper), lower, upper)]
    return np.asarray(filled, np.float32)


def fill(image: UInt8Array, disparity: Float32Array, known: BoolArray) -> Float32Array:
    """A disparity for every pixel: the background's, within the edges of the picture.

    Args:
        image: RGB uint8 ``(H, W, 3)``.
        disparity: ``(H, W)``.
        known: The pixels that keep theirs.
    """
    if not known.any() or known.all():
        return np.where(known, disparity, np.float32(0))
    whole = from_background(disparity, known)
    height, width = known.shape
    scale = 0.5 ** max(0, math.ceil(math.log2(height * width / _MOST_PIXELS) / 2))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if scale < 1:
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    small_whole = _nearest(whole, size)
    small_known = _nearest(known.astype(np.uint8), size) > 0
    weight = np.where(small_known, np.float32(1), np.float32(GUESS))
    voted = _nearest(vote(image, small_whole, weight, ~small_known), (width, height))
    return np.where(known, disparity, voted)


def _nearest(values: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    return cv2.resize(values, size, interpolation=cv2.INTER_NEAREST)


def edges(disparity: Float32Array) -> BoolArray:
    """Pixels within two of which the disparity jumps."""
    window = np.ones((5, 5), np.uint8)
    jump = cv2.dilate(disparity, window) - cv2.erode(disparity, window)
    return np.asarray(jump > EDGE_PX)


def vote(
    image: UInt8Array, disparity: Float32Array, weight: Float32Array, where: BoolArray
) -> Float32Array:
    """Which of the surfaces around a pixel its colour belongs to: the nearer or the farther one.

    Each neighbour votes for its own surface, with a weight that falls with the difference of
    colour; the answer is the mean of the winners. So what is filled follows the edges of the
    picture, and a pixel of the background that took the disparity of the object beside it (whose
    texture is stronger) is found out.

    Args:
        image: RGB uint8 ``(H, W, 3)``.
        disparity: ``(H, W)``, everywhere a number.
        weight: ``(H, W)``, how much each pixel's disparity is worth.
        where: The pixels to answer for; the others keep theirs.
    """
    radius, side = VOTE_RADIUS_PX, 2 * VOTE_RADIUS_PX + 1
    rows, columns = np.nonzero(where)
    window = np.ones((side, side), np.uint8)
    middle = (cv2.erode(disparity, window) + cv2.dilate(disparity, window))[where] / 2

    def padded(values: NDArray[Any]) -> NDArray[Any]:
        return cv2.copyMakeBorder(values, *(radius,) * 4, cv2.BORDER_REPLICATE)

    soft = padded(cv2.GaussianBlur(image, (3, 3), 0))
    channels = [soft[..., channel].astype(np.int16).ravel() for channel in range(3)]
    trust = np.exp2(np.arange(3 * 256, dtype=np.float32) / np.float32(-_HALVING))
    values, weights = padded(disparity).ravel(), padded(weight).ravel()
    stride = disparity.shape[1] + 2 * radius
    centre = (rows + radius) * stride + columns + radius
    offsets = [
        dy * stride + dx
        for dy, dx in itertools.product(range(-radius, radius + 1, _VOTE_STEP_PX), repeat=2)
    ]

    def poll(part: slice) -> Float32Array:
        here, threshold = centre[part], middle[part]
        own = [channel[here] for channel in channels]
        # Weights and weighted disparities: of all, and of the nearer surface.
        total, total_sum, near, near_sum = (np.zeros(len(here), np.float32) for _ in range(4))
        for offset in offsets:
            at = here + offset
            difference = np.zeros(len(here), np.int16)
            for channel, mine in zip(channels, own, strict=True):
                difference += np.abs(channel.take(at) - mine)
            says = trust.take(difference)
            says *= weights.take(at)
            value = values.take(at)
            total += says
            total_sum += says * value
            says *= value > threshold
            near += says
            near_sum += says * value
        nearer = 2 * near > total
        won = np.where(nearer, near, total - near)
        won_sum = np.where(nearer, near_sum, total_sum - near_sum)
        return np.asarray(won_sum / np.maximum(won, np.float32(1e-12)), np.float32)

    voted = disparity.copy()
    half = len(centre) // 2
    with ThreadPoolExecutor(1) as other:
        second = other.submit(poll, slice(half, None))
        voted[where] = np.concatenate([poll(slice(half)), second.result()])
    return voted
