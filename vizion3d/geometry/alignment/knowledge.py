"""What is known of a scene: distances of points, between points, of planes, depth images."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vizion3d.core.arrays import BoolArray, Float32Array
from vizion3d.errors import InvalidConfigError

_MOST_M = 1e6
_FAULTS_SHOWN = 3


def _nothing() -> NDArray[np.float64]:
    return np.empty((0, 0))


@dataclass(frozen=True, eq=False)
class Knowledge:
    """What is known of the scene in one image; any mixture.

    Pixels are (column, row), the centre of the first at (0, 0). Depths are along the optical axis.

    Attributes:
        points: Rows ``(u, v, metres)`` or ``(u, v, metres, weight)``: the depth of a pixel.
        distances: Rows ``(u1, v1, u2, v2, metres)`` or with a weight: how far the points that two
            pixels show are from each other. It needs the camera's intrinsics.
        planes: Rows ``(u1, v1, u2, v2, metres)`` or with a weight: the two corners of a rectangle
            that shows one plane, and how far the camera is from that plane (at a right angle).
        sparse_depth_m: A depth image ``(H, W)`` in metres (LiDAR, RGB-D camera, structure from
            motion) of the image's size; 0 and NaN are "not known".
        sparse_mask: Where ``sparse_depth_m`` counts, bool ``(H, W)``; everywhere by default. What
            it leaves out becomes 0 there.
        camera_height_m: Height of the camera above the ground, which must be in the lower half of
            the image.
        camera_pitch_deg: How far the camera looks up (positive) or down (negative) from the
            horizontal, in degrees; without it a height determines less.

    Raises:
        InvalidConfigError: A value is not finite, not positive where it is a length, or of another
            shape.
    """

    points: ArrayLike = field(default_factory=_nothing)
    distances: ArrayLike = field(default_factory=_nothing)
    planes: ArrayLike = field(default_factory=_nothing)
    sparse_depth_m: NDArray[Any] | None = None
    sparse_mask: BoolArray | None = None
    camera_height_m: float | None = None
    camera_pitch_deg: float | None = None

    def __post_init__(self) -> None:
        for name, columns in (("points", 3), ("distances", 5), ("planes", 5)):
            object.__setattr__(self, name, _table(name, getattr(self, name), columns))
        sparse = _sparse_of(self.sparse_depth_m, self.sparse_mask)
        object.__setattr__(self, "sparse_depth_m", sparse)
        height, pitch = self.camera_height_m, self.camera_pitch_deg
        if height is not None and not 0 < height <= _MOST_M:
            raise InvalidConfigError(f"camera_height_m must be a positive length, got {height!r}")
        if pitch is not None and height is None:
            raise InvalidConfigError("camera_pitch_deg goes with camera_height_m; give both")
        if pitch is not None and not -90 < pitch < 90:
            raise InvalidConfigError(
                f"camera_pitch_deg is between -90 and 90 degrees, got {pitch!r}"
            )

    def check_size(self, width_px: int, height_px: int) -> None:
        """Refuse what does not lie in an image of that size.

        Raises:
            InvalidConfigError: A pixel is outside it, or the depth image is of another size.
        """
        for name, pixels in (("points", (0,)), ("distances", (0, 2)), ("planes", (0, 2))):
            table = np.asarray(getattr(self, name))
            for column in pixels if len(table) else ():
                u, v = table[:, column], table[:, column + 1]
                out = (u < -0.5) | (u > width_px - 0.5) | (v < -0.5) | (v > height_px - 0.5)
                if out.any():
                    first = int(np.flatnonzero(out)[0])
                    raise InvalidConfigError(
                        f"{name}[{first}]: pixel ({u[first]:g}, {v[first]:g}) is outside the image "
                        f"of {width_px} x {height_px} pixels"
                    )
        sparse = self.sparse_depth_m
        if sparse is not None and sparse.shape != (height_px, width_px):
            raise InvalidConfigError(
                f"sparse_depth_m has {sparse.shape[1]} x {sparse.shape[0]} pixels, the image "
                f"{width_px} x {height_px}; project the depth into the photo's camera first"
            )


def _table(name: str, value: ArrayLike, columns: int) -> NDArray[np.float64]:
    """Rows of numbers with a weight at the end, 1 where none is given: ``(N, columns + 1)``."""
    try:
        table = np.asarray(value, np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidConfigError(f"{name} must be rows of {columns} numbers: {error}") from error
    if table.size == 0:
        return np.empty((0, columns + 1))
    if table.ndim != 2 or table.shape[1] not in (columns, columns + 1):
        raise InvalidConfigError(
            f"{name} must be rows of {columns} numbers (and a weight, if any), "
            f"got the shape {table.shape}"
        )
    if table.shape[1] == columns:
        table = np.column_stack((table, np.ones(len(table))))
    not_finite = np.isnan(table.sum(axis=1)) | np.isinf(table).any(axis=1)
    _check_rows(name, table, not_finite, "is not finite")
    metres, weight = table[:, -2], table[:, -1]
    _check_rows(name, table, metres <= 0, "has metres that are not positive")
    _check_rows(name, table, metres > _MOST_M, f"has more than {_MOST_M:g} metres")
    _check_rows(name, table, weight <= 0, "has a weight that is not positive")
    return table


def _check_rows(name: str, table: NDArray[np.float64], wrong: BoolArray, what: str) -> None:
    found = np.flatnonzero(wrong)
    if len(found):
        rows: Sequence[int] = found[:_FAULTS_SHOWN].tolist()
        shown = "; ".join(f"{name}[{i}] = {tuple(table[i, :-1].tolist())}" for i in rows)
        more = f" and {len(found) - len(rows)} more" if len(found) > len(rows) else ""
        raise InvalidConfigError(f"{shown}{more} {what}")


def _sparse_of(depth: Any, mask: BoolArray | None) -> Float32Array | None:
    """The depth image as float32, 0 where nothing is known."""
    if depth is None:
        if mask is not None:
            raise InvalidConfigError("sparse_mask goes with sparse_depth_m; give both")
        return None
    if not isinstance(depth, np.ndarray) or depth.ndim != 2 or depth.dtype.kind not in "fiu":
        raise InvalidConfigError("sparse_depth_m must be numbers in metres of shape (H, W)")
    if mask is not None and (mask.shape != depth.shape or mask.dtype != np.bool_):
        raise InvalidConfigError(
            f"sparse_mask must be bool of the shape of sparse_depth_m {depth.shape}, "
            f"got {mask.dtype} {mask.shape}"
        )
    counts = np.isfinite(depth)
    if mask is not None:
        counts &= mask
    known = np.where(counts, depth, 0).astype(np.float32, copy=False)
    lowest, highest = (float(f(known, initial=0)) for f in (np.min, np.max))
    if lowest < 0:
        raise InvalidConfigError(f"sparse_depth_m has negative metres ({lowest:g}); 0 is unknown")
    if highest > _MOST_M:
        raise InvalidConfigError(
            f"sparse_depth_m goes up to {highest:g}; it must be in metres (divide millimetres "
            "by 1000)"
        )
    return known
