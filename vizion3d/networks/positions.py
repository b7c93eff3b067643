"""The encoder's positional embedding at any size, without torch."""

import numpy as np
from numpy.typing import NDArray

from vizion3d.core.arrays import Float32Array

_A = -0.75
_OFFSET = 0.1


def resample_positions(stored: Float32Array, rows: int, cols: int) -> Float32Array:
    """What the network's own ``Encoder.positional_embedding`` (in ``vit``) gives, in NumPy.

    Args:
        stored: ``(1, 1 + grid**2, C)``, the class token's embedding first.
        rows: Patches of the input, vertically.
        cols: Patches of the input, horizontally.

    Returns:
        ``(1, 1 + rows * cols, C)``.
    """
    grid = round((stored.shape[1] - 1) ** 0.5)
    if rows == cols == grid:
        return stored
    patches = stored[0, 1:].reshape(grid, grid, -1)
    patches = _resample_rows(patches, rows)
    patches = _resample_rows(patches.transpose(1, 0, 2), cols).transpose(1, 0, 2)
    resampled = patches.reshape(1, rows * cols, -1)
    return np.ascontiguousarray(np.concatenate((stored[:, :1], resampled), axis=1))


def _resample_rows(patches: Float32Array, size: int) -> Float32Array:
    """``(grid, n, C)`` -> ``(size, n, C)``, bicubic (Keys 1981, a = -0.75), clamped at the border.

    Four sums rather than a matrix product: the threads of a product's library would go on spinning
    while the network starts, and slow it by a fifth.
    """
    grid = len(patches)
    source = (np.arange(size) + 0.5) * grid / (size + _OFFSET) - 0.5
    first = np.floor(source)
    t = source - first
    resampled = np.zeros((size, *patches.shape[1:]), np.float32)
    taps = {-1: _outer(t + 1), 0: _inner(t), 1: _inner(1 - t), 2: _outer(2 - t)}
    for offset, weight in taps.items():
        index = np.clip(first + offset, 0, grid - 1).astype(np.int64)
        resampled += weight[:, None, None].astype(np.float32) * patches[index]
    return resampled


def _inner(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The cubic at distances in [0, 1]."""
    return ((_A + 2) * x - (_A + 3)) * x * x + 1


def _outer(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The cubic at distances in [1, 2]."""
    return _A * (((x - 5) * x + 8) * x - 4)
