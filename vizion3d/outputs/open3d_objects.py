"""Open3D objects, and what to do when Open3D cannot be imported."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vizion3d.errors import MissingDependencyError
from vizion3d.geometry.projection import to_frame
from vizion3d.lifting.models import DepthEstimationAdvanceConfig, DepthEstimationResult
from vizion3d.outputs.open3d_library import import_open3d
from vizion3d.outputs.points import shown_depth

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
    result: DepthEstimationResult, config: DepthEstimationAdvanceConfig
) -> "O3dPointCloud":
    """Unproject a result into a coloured ``open3d.geometry.PointCloud``, row by row.

    What :func:`vizion3d.outputs.points.to_points` gives, by Open3D's own function, which
    spares the copies into its vectors of float64.
    """
    open3d = require_open3d()
    assert result.rgb is not None
    assert result.intrinsics is not None
    rgbd = open3d.geometry.RGBDImage()
    rgbd.color = open3d.geometry.Image(result.rgb)
    rgbd.depth = open3d.geometry.Image(shown_depth(result, config))
    k = result.intrinsics
    camera = open3d.camera.PinholeCameraIntrinsic(k.width_px, k.height_px, k.fx, k.fy, k.cx, k.cy)
    cloud: O3dPointCloud = open3d.geometry.PointCloud.create_from_rgbd_image(rgbd, camera)
    to_frame(np.asarray(cloud.points), config.frame)
    return cloud
