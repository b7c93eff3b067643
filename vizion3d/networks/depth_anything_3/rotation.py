"""The angles by which an any-view encoder rotates queries and keys, without torch."""

import numpy as np

from vizion3d.core.arrays import Float32Array
from vizion3d.networks.sizes import HEAD_DIM

BASE = 100.0


def rotations(rows: int, cols: int) -> Float32Array:
    """Cosine and sine of every token's angles (Su et al. 2021, arXiv:2104.09864), in two axes.

    Within a view the class token stands at (0, 0) and the patch in row r and column c at
    (r + 1, c + 1). Between views the class token stands at (0, 0) and every patch at (1, 1): what
    is attended to jointly knows no place. Each channel pair of the first half of a head turns by
    its row times a frequency, each of the second half by its column times the same one.

    Returns:
        float32 ``(2, 2, 1 + rows * cols, 64)``: within and between views; cosine and sine.
    """
    grid = np.stack(np.meshgrid(np.arange(rows), np.arange(cols), indexing="ij"), axis=-1)
    within = np.concatenate((np.zeros((1, 2)), grid.reshape(-1, 2) + 1))
    between = np.minimum(within, 1)
    axis_dim = HEAD_DIM // 2
    frequencies = 1 / BASE ** (np.arange(0, axis_dim, 2) / axis_dim)
    angles = np.stack((within, between))[..., None] * np.concatenate((frequencies, frequencies))
    angles = angles.reshape(2, -1, HEAD_DIM)
    return np.stack((np.cos(angles), np.sin(angles)), axis=1).astype(np.float32)
