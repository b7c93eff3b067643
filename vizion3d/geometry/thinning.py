"""Fewer points for a cloud."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vizion3d.errors import InvalidConfigError

_CELLS = 1 << 20
"""Voxels along each axis, at most: three of these are one 64-bit number."""


@dataclass(frozen=True)
class Thinning:
    """How a cloud is made smaller; both limits may hold.

    Attributes:
        max_points: So many points at most, chosen evenly; ``None``: all.
        voxel_m: One point for each cube of that side, in metres: the mean of those in it.
    """

    max_points: int | None = None
    voxel_m: float | None = None

    @property
    def is_asked_for(self) -> bool:
        """Whether there is anything to do."""
        return self.max_points is not None or self.voxel_m is not None

    def apply(
        self, points: NDArray[np.float32], colors: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """The points ``(N, 3)`` and colours ``(N, 3)`` that are left.

        Raises:
            InvalidConfigError: The voxels are too small for the extent of the cloud.
        """
        if self.voxel_m is not None and len(points):
            points, colors = _means(points, colors, self.voxel_m)
        if self.max_points is not None and len(points) > self.max_points:
            # Every nth point would show as stripes; the seed makes it the same every time.
            chosen = np.random.default_rng(0).choice(len(points), self.max_points, replace=False)
            chosen.sort()
            points, colors = points[chosen], colors[chosen]
        return points, colors


def _means(
    points: NDArray[np.float32], colors: NDArray[np.uint8], voxel_m: float
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """The mean point and colour of each voxel, in the order of the voxels."""
    low = points.min(axis=0)
    if float((points.max(axis=0) - low).max()) / voxel_m >= _CELLS:
        raise InvalidConfigError(
            f"voxels of {voxel_m:g} m are too small for a cloud that spans "
            f"{float((points.max(axis=0) - low).max()):.3g} m; take larger ones"
        )
    cells = ((points - low) / np.float32(voxel_m)).astype(np.int64)
    keys = (cells[:, 0] * _CELLS + cells[:, 1]) * _CELLS + cells[:, 2]
    _, voxel, count = np.unique(keys, return_inverse=True, return_counts=True)

    def mean(values: NDArray[np.generic]) -> NDArray[np.float64]:
        columns = [np.bincount(voxel, column) for column in values.T]
        return np.stack(columns, axis=1) / count[:, None]

    return mean(points).astype(np.float32), np.rint(mean(colors)).astype(np.uint8)
