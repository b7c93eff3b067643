"""Open3D objects, and what to do when Open3D cannot be imported."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vizion3d.core.arrays import Float32Array, UInt8Array
from vizion3d.errors import MissingDependencyError
from vizion3d.geometry.cameras import CameraIntrinsics
from vizion3d.geometry.frames import Frame, to_frame
from vizion3d.outputs.open3d_library import import_open3d

if TYPE_CHECKING:
    from open3d.geometry import Image as O3dImage
    from open3d.geometry import PointCloud as O3dPointCloud

SYSTEM_LIBRARIES = "libusb-1.0-0 libgl1 libegl1 libgomp1"
"""Debian packages of the libraries that Open3D loads when it is imported."""


def require_open3d() -> Any:
    """Import Open3D.

    Raises:
        MissingDependencyError: It cannot be imported; the message says how to mend it.
    """
    try:
        return import_open3d()
    except (ImportError, OSError) as error:
        raise MissingDependencyError(
            f"Open3D cannot be imported ({error}), so there is no depth image or point cloud of "
            "its types; the depth itself works without it. Install it with 'pip install open3d', "
            f"and on Debian or Ubuntu 'sudo apt-get install {SYSTEM_LIBRARIES}'."
        ) from error


def to_image(pixels: NDArray[np.uint16]) -> "O3dImage":
    """uint16 ``(H, W)`` -> ``open3d.geometry.Image``."""
    image: O3dImage = require_open3d().geometry.Image(np.ascontiguousarray(pixels))
    return image


def to_point_cloud(
    depth_m: Float32Array, rgb: UInt8Array, intrinsics: CameraIntrinsics, frame: Frame = "opencv"
) -> "O3dPointCloud":
    """Unproject an image into a coloured ``open3d.geometry.PointCloud``, row by row.

    What :func:`vizion3d.outputs.points.to_points` gives, by Open3D's own function, which
    spares the copies into its vectors of float64.

    Args:
        depth_m: float32 ``(H, W)``, distance along the optical axis in metres; 0: no point.
        rgb: uint8 ``(H, W, 3)``.
        intrinsics: The camera, for images of that size.
        frame: The axes of the points.
    """
    open3d = require_open3d()
    rgbd = open3d.geometry.RGBDImage()
    rgbd.color = open3d.geometry.Image(np.ascontiguousarray(rgb))
    rgbd.depth = open3d.geometry.Image(np.ascontiguousarray(depth_m))
    k = intrinsics
    camera = open3d.camera.PinholeCameraIntrinsic(k.width_px, k.height_px, k.fx, k.fy, k.cx, k.cy)
    cloud: O3dPointCloud = open3d.geometry.PointCloud.create_from_rgbd_image(rgbd, camera)
    to_frame(np.asarray(cloud.points), frame)
    return cloud


def cloud_of(points: NDArray[np.float32], colors: NDArray[np.uint8]) -> "O3dPointCloud":
    """Points ``(N, 3)`` and RGB colours ``(N, 3)`` -> ``open3d.geometry.PointCloud``."""
    open3d = require_open3d()
    cloud: O3dPointCloud = open3d.geometry.PointCloud()
    cloud.points = open3d.utility.Vector3dVector(points.astype(np.float64))
    cloud.colors = open3d.utility.Vector3dVector(colors / 255)
    return cloud
