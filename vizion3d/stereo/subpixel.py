"""Disparity to a small part of a pixel, by the images' gradients."""

from typing import Any

import cv2
import numpy as np

from vizion3d.core.arrays import Float32Array, UInt8Array

WINDOW_PX = 5
SMOOTHING_PX = 5
_SAME_SURFACE_PX = 1.0
"""Disparities that differ by less are taken for one surface."""
_NOISE = 9.0
"""Squared gradient (grey levels per pixel) below which texture counts as noise."""
_MOST_PX = 1.0


def pixel_grid(height: int, width: int) -> tuple[Float32Array, Float32Array]:
    """Columns and rows of every pixel, each ``(H, W)``."""
    columns, rows = np.meshgrid(
        np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    )
    return columns, rows


def smoothed(disparity: Float32Array, window_px: int = SMOOTHING_PX) -> Float32Array:
    """Averaged within surfaces, not across their edges."""
    return np.asarray(
        cv2.bilateralFilter(disparity, window_px, _SAME_SURFACE_PX, window_px / 2), np.float32
    )


def box(values: Float32Array, window_px: int = WINDOW_PX) -> Float32Array:
    """Mean over a square window."""
    return np.asarray(cv2.boxFilter(values, -1, (window_px, window_px)), np.float32)


def refine(
    left: UInt8Array, right: UInt8Array, disparity: Float32Array, rounds: int = 2
) -> tuple[Float32Array, Float32Array]:
    """Lucas and Kanade's least squares, along the row (*An Iterative Image Registration Technique*,
    1981), the right image warped by the smoothed disparity: so slanted surfaces are no steps.

    Semi-global matching prefers whole disparities by up to 0.2 px; this takes that away.

    Args:
        left: Grey uint8 ``(H, W)``.
        right: The same, of like exposure.
        disparity: ``(H, W)``, everywhere a number, within a pixel of the truth where it matters.
        rounds: How often.

    Returns:
        The refined disparity, and the correlation of the windows in ``[-1, 1]``, both ``(H, W)``.
    """
    columns, rows = pixel_grid(*disparity.shape)
    ours, theirs = _float(left), _float(right)
    ours_slope, theirs_slope = (
        _float(cv2.Sobel(image, cv2.CV_32F, 1, 0, ksize=1, scale=0.5)) for image in (ours, theirs)
    )
    ours -= box(ours)
    correlation = np.zeros_like(disparity)
    for number in range(rounds):
        disparity = smoothed(disparity)
        source = columns - disparity
        warped = _sampled(theirs, source, rows, cv2.INTER_CUBIC)
        warped -= box(warped)
        slope = _sampled(theirs_slope, source, rows, cv2.INTER_LINEAR)
        slope += ours_slope
        slope *= np.float32(0.5)
        slope -= box(slope)
        if number == rounds - 1:
            power = (box(ours * ours) + 1) * (box(warped * warped) + 1)
            correlation = box(ours * warped) / np.sqrt(power)
        step = box((warped - ours) * slope) / (box(slope * slope) + np.float32(_NOISE))
        disparity = disparity + np.clip(step, -_MOST_PX, _MOST_PX)
    return disparity, correlation


def _float(values: Any) -> Float32Array:
    return np.asarray(values, np.float32)


def _sampled(
    image: Float32Array, columns: Float32Array, rows: Float32Array, how: int
) -> Float32Array:
    return _float(cv2.remap(image, columns, rows, how, borderMode=cv2.BORDER_REPLICATE))
