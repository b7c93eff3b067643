"""The last step of the recipe in NumPy: three times as fast as OpenVINO's interpolation of a plane,
which one thread does."""

import numpy as np
from numpy.typing import NDArray

from vizion3d.core.arrays import Float32Array


def bilinear(depth: Float32Array, height: int, width: int) -> Float32Array:
    """``(N, h, w)`` -> ``(N, height, width)``, bilinear with aligned corners."""
    resized = np.empty((len(depth), height, width), np.float32)
    above, below, down = _taps(depth.shape[1], height)
    left, right, across = _taps(depth.shape[2], width)
    with np.errstate(invalid="ignore"):  # whoever asked looks for what is not finite
        for image, out in zip(depth, resized, strict=True):
            rows = image[above]
            rows += down[:, None] * (image[below] - rows)
            first = rows[:, left]
            np.subtract(rows[:, right], first, out=out)
            out *= across
            out += first
    return resized


def _taps(length: int, size: int) -> tuple[NDArray[np.int64], NDArray[np.int64], Float32Array]:
    """Indices on both sides of every sample, and its distance from the first."""
    source = np.arange(size) * ((length - 1) / max(size - 1, 1))
    first = source.astype(np.int64)
    return first, np.minimum(first + 1, length - 1), (source - first).astype(np.float32)
