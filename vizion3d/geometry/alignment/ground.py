"""Where the ground is: the plane that most of the image's lower half lies in."""

import numpy as np
from numpy.typing import NDArray

from vizion3d.core.arrays import BoolArray, FloatArray
from vizion3d.errors import InvalidConfigError
from vizion3d.geometry.alignment.model import Space
from vizion3d.geometry.cameras import CameraIntrinsics

Array = NDArray[np.float64]

_PIXELS, _TRIES, _SEED = 3000, 400, 16
_TOLERANCE, _RISE = 0.02, 5.0
_LEAST_SHARE = 0.3
_KEPT = 512


def find_ground(raw_depth: FloatArray, space: Space, k: CameraIntrinsics) -> Array:
    """Pixels of the ground, ``(M, 2)``, found in the lower half of the image.

    A plane is linear in inverse depth, and stays so under any scale and shift: 1/z is
    ``alpha x + beta y + gamma`` over the image. The ground is the plane that most pixels lie in
    among those that come closer downwards more than they do sideways.

    Raises:
        InvalidConfigError: Less than 30 % of the lower half lie in one such plane.
    """
    height, width = raw_depth.shape
    if min(height, width) < 4:
        raise InvalidConfigError("the image is too small to look for the ground in it")
    rng = np.random.default_rng(_SEED)
    u = rng.integers(0, width, _PIXELS)
    v = rng.integers(height // 2, height, _PIXELS)
    inverse = raw_depth[v, u].astype(np.float64)
    if space == "depth":
        inverse = 1 / np.maximum(inverse, np.finfo(np.float32).tiny)
    design = np.stack(((u - k.cx) / k.fx, (v - k.cy) / k.fy, np.ones(_PIXELS)), axis=1)
    low, high = np.percentile(inverse, (2, 98))
    tolerance = _TOLERANCE * (high - low)
    on_plane = _dominant(design, inverse, tolerance, rng)
    if on_plane.mean() < _LEAST_SHARE:
        raise InvalidConfigError(
            "no ground was found in the lower half of the image: camera_height_m needs it in view; "
            "give points or distances in its place"
        )
    pixels = np.stack((u, v), axis=-1)[on_plane].astype(np.float64)
    return pixels[:_KEPT]


def _dominant(
    design: Array, inverse: Array, tolerance: float, rng: np.random.Generator
) -> BoolArray:
    """Which pixels lie in the plane that holds most of them, ``(N,)``."""
    triples = rng.integers(0, len(inverse), (_TRIES, 3))
    matrices = design[triples]
    sound = np.abs(np.linalg.det(matrices)) > 1e-6
    planes = np.linalg.solve(matrices[sound], inverse[triples[sound]][..., None])[..., 0]
    downwards = planes[:, 1] > np.abs(planes[:, 0])
    downwards &= planes[:, 1] * np.ptp(design[:, 1]) > _RISE * tolerance  # a wall stays as far
    planes = planes[downwards]
    if not len(planes):
        return np.zeros(len(inverse), np.bool_)
    within = np.abs(planes @ design.T - inverse) <= tolerance
    best: BoolArray = within[within.sum(axis=1).argmax()]
    for _ in range(3):
        plane, *_ = np.linalg.lstsq(design[best], inverse[best], rcond=None)
        best = np.abs(design @ plane - inverse) <= tolerance
    return best
