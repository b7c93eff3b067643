"""The encoder's positional embedding at any size, without torch."""

import numpy as np
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]

_A = -0.75
_OFFSET = 0.1


def resample_positions(stored: Float32Array, rows: int, cols: int) -> Float32Array:
    """What :meth:`vizion3d.lifting.network.vit.Encoder.positional_embedding` gives, in NumPy.

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
    patches = np.tensordot(_weights(rows, grid), patches, axes=(1, 0))
    patches = np.tensordot(_weights(cols, grid), patches, axes=(1, 1)).transpose(1, 0, 2)
    resampled = patches.reshape(1, rows * cols, -1)
    return np.ascontiguousarray(np.concatenate((stored[:, :1], resampled), axis=1))


def _weights(size: int, grid: int) -> Float32Array:
    """``(size, grid)``: bicubic weights (Keys 1981, a = -0.75), clamped at the border."""
    source = (np.arange(size) + 0.5) * grid / (size + _OFFSET) - 0.5
    first = np.floor(source)
    t = source - first
    taps = (
        _outer(t + 1),
        _inner(t),
        _inner(1 - t),
        _outer(2 - t),
    )
    weights = np.zeros((size, grid))
    for offset, tap in zip((-1, 0, 1, 2), taps, strict=True):
        index = np.clip(first + offset, 0, grid - 1).astype(np.int64)
        np.add.at(weights, (np.arange(size), index), tap)
    return weights.astype(np.float32)


def _inner(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The cubic at distances in [0, 1]."""
    return ((_A + 2) * x - (_A + 3)) * x * x + 1


def _outer(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The cubic at distances in [1, 2]."""
    return _A * (((x - 5) * x + 8) * x - 4)
