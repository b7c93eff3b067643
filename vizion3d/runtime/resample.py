"""The last step of the recipe in NumPy: three times as fast as OpenVINO's interpolation of a plane,
which one thread does."""

import numpy as np
from numpy.typing import NDArray

from vizion3d.core.arrays import Float32Array


def bilinear(
    maps: Float32Array, height: int, width: int, align_corners: bool = True
) -> Float32Array:
    """``(N, h, w)`` -> ``(N, height, width)``, bilinear, with aligned corners or, as OpenCV has it,
    with half-pixel centres and the border's values beyond them."""
    resized = np.empty((len(maps), height, width), np.float32)
    above, below, down = _taps(maps.shape[1], height, align_corners)
    left, right, across = _taps(maps.shape[2], width, align_corners)
    with np.errstate(invalid="ignore"):  # whoever asked looks for what is not finite
        for image, out in zip(maps, resized, strict=True):
            rows = image[above]
            rows += down[:, None] * (image[below] - rows)
            first = rows[:, left]
            np.subtract(rows[:, right], first, out=out)
            out *= across
            out += first
    return resized


def _taps(
    length: int, size: int, align_corners: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64], Float32Array]:
    """Indices on both sides of every sample, and its distance from the first."""
    if align_corners:
        source = np.arange(size) * ((length - 1) / max(size - 1, 1))
    else:
        source = ((np.arange(size) + 0.5) * (length / size) - 0.5).clip(0, length - 1)
    first = source.astype(np.int64)
    return first, np.minimum(first + 1, length - 1), (source - first).astype(np.float32)
