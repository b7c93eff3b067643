"""Depth and colours -> coloured points, without Open3D."""

import numpy as np
from numpy.typing import NDArray

from vizion3d.core.arrays import Float32Array, UInt8Array
from vizion3d.geometry.cameras import CameraIntrinsics
from vizion3d.geometry.frames import Frame, to_frame
from vizion3d.geometry.projection import unproject


def to_points(
    depth_m: Float32Array, rgb: UInt8Array, intrinsics: CameraIntrinsics, frame: Frame = "opencv"
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """The points of an image, row by row.

    Args:
        depth_m: float32 ``(H, W)``, distance along the optical axis in metres; 0: no point.
        rgb: uint8 ``(H, W, 3)``.
        intrinsics: The camera, for images of that size.
        frame: The axes of the points.

    Returns:
        Points float32 ``(N, 3)`` in metres, and RGB colours uint8 ``(N, 3)``.
    """
    shown = depth_m > 0
    points = unproject(depth_m, intrinsics)[shown].astype(np.float32, copy=False)
    to_frame(points, frame)
    return points, rgb[shown]
