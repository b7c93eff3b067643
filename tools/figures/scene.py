"""A scene whose depth is measured: scikit-image's ``stereo_motorcycle`` (Middlebury 2014)."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from skimage import data

from vizion3d.geometry.cameras import CameraIntrinsics
from vizion3d.geometry.projection import depth_edges

# Calibration of its documentation.
FOCAL_PX, BASELINE_M, DOFFS_PX = 994.978, 0.193001, 31.086
CENTRE_PX = 311.193, 254.877
FLYING_PIXEL_THRESHOLD = 0.04


@dataclass(frozen=True)
class Scene:
    """A photo with its depth.

    Attributes:
        photo: RGB uint8 ``(H, W, 3)``.
        inverse_m: Measured inverse depth ``(H, W)``, 1/m; gaps have the scene's farthest.
        shown: Where it was measured and no object ends ``(H, W)``.
        camera: The camera's calibration.
    """

    photo: NDArray[np.uint8]
    inverse_m: NDArray[np.float32]
    shown: NDArray[np.bool_]
    camera: CameraIntrinsics


@cache
def motorcycle() -> Scene:
    photo, _, disparity_px = data.stereo_motorcycle()
    measured = np.isfinite(disparity_px)
    inverse_m = np.where(measured, (disparity_px + DOFFS_PX) / (FOCAL_PX * BASELINE_M), np.inf)
    inverse_m = np.where(measured, inverse_m, inverse_m.min()).astype(np.float32)
    height, width = inverse_m.shape
    camera = CameraIntrinsics(FOCAL_PX, FOCAL_PX, *CENTRE_PX, width, height)
    shown = measured & ~depth_edges(1 / inverse_m, FLYING_PIXEL_THRESHOLD)
    return Scene(photo, inverse_m, shown, camera)
