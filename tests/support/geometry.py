"""Cameras and planes for tests of geometry."""

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from vizion3d.geometry.cameras import CameraIntrinsics

if TYPE_CHECKING:
    import open3d as o3d
    from typing_extensions import Buffer

FloatArray = NDArray[np.float64]


@st.composite
def cameras(draw: st.DrawFn) -> CameraIntrinsics:
    width, height = draw(st.integers(2, 40)), draw(st.integers(2, 40))
    focal = st.floats(0.3 * width, 5 * width)
    return CameraIntrinsics(
        fx=draw(focal),
        fy=draw(focal),
        cx=draw(st.floats(-0.5 * width, 1.5 * width)),
        cy=draw(st.floats(-0.5 * height, 1.5 * height)),
        width_px=width,
        height_px=height,
    )


def plane_depth(camera: CameraIntrinsics, slope_x: float, slope_y: float) -> FloatArray:
    """Depth of the plane 1/z = 1/4 + slope_x x' + slope_y y', x' and y' in normalised coordinates.

    Every plane that does not pass through the camera's centre has that form.
    """
    u, v = np.meshgrid(np.arange(camera.width_px), np.arange(camera.height_px))
    x, y = (u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy
    inverse = 0.25 + slope_x * x + slope_y * y
    return np.asarray(1 / inverse)


def planarity(points: NDArray[np.floating[Any]]) -> float:
    """Largest distance from the best plane, as a share of the points' extent."""
    centred = points.reshape(-1, 3) - points.reshape(-1, 3).mean(0)
    normal = np.linalg.svd(centred, full_matrices=False)[2][-1]
    return float(np.abs(centred @ normal).max() / np.ptp(centred, axis=0).max())


def open3d_image(pixels: np.ndarray) -> "o3d.geometry.Image":
    """An Open3D image of the pixels."""
    import open3d as o3d

    return o3d.geometry.Image(cast("Buffer", pixels))  # NumPy's stubs say so from Python 3.12 on
