"""From depth to points in space and back: pure NumPy, in the precision of what comes in.

The camera is an ideal pinhole (Hartley and Zisserman, *Multiple View Geometry*, chapter 6): pixel
(u, v), its centre at integer coordinates, sees the point X = (u - cx) z / fx, Y = (v - cy) z / fy
at depth z, measured along the optical axis.
"""

import numpy as np

from vizion3d.core.arrays import BoolArray, FloatArray
from vizion3d.geometry.cameras import CameraIntrinsics

FLYING_PIXEL_THRESHOLD = 0.04
"""A good ``edge_threshold``: the command line's, where flying pixels are removed."""

NETWORK_PIXELS = 518
"""Shorter side at which the network usually sees an image: the scale of its edges' blur."""


def unproject(depth_m: FloatArray, intrinsics: CameraIntrinsics) -> FloatArray:
    """Every pixel's point in the camera's frame (x right, y down, z forward).

    Args:
        depth_m: ``(H, W)``, distance along the optical axis.
        intrinsics: The camera, for images of that size.

    Returns:
        ``(H, W, 3)``, in the unit and precision of ``depth_m``.
    """
    height, width = depth_m.shape
    points = np.empty((height, width, 3), depth_m.dtype)
    columns = ((np.arange(width) - intrinsics.cx) / intrinsics.fx).astype(depth_m.dtype)
    rows = ((np.arange(height) - intrinsics.cy) / intrinsics.fy).astype(depth_m.dtype)
    np.multiply(depth_m, columns[None, :], out=points[..., 0])
    np.multiply(depth_m, rows[:, None], out=points[..., 1])
    points[..., 2] = depth_m
    return points


def project(points: FloatArray, intrinsics: CameraIntrinsics) -> FloatArray:
    """Pixel coordinates ``(..., 2)`` of points ``(..., 3)`` in the camera's frame, z positive."""
    x, y, z = np.moveaxis(points, -1, 0)
    return np.stack(
        (intrinsics.fx * x / z + intrinsics.cx, intrinsics.fy * y / z + intrinsics.cy), axis=-1
    )


def depth_edges(depth_m: FloatArray, threshold: float) -> BoolArray:
    """Pixels across which the depth jumps: where the network's blur leaves points in mid-air.

    A pixel is on an edge if depth varies by more than ``threshold`` times the pixel's own within a
    square of one network pixel around it, so that the answer does not hang on the image's size.

    Args:
        depth_m: ``(H, W)``, positive.
        threshold: Relative jump; 0.04 removes flying pixels and little else.
    """
    radius_px = max(1, round(min(depth_m.shape) / NETWORK_PIXELS))
    highest, lowest = depth_m, depth_m
    for axis in (0, 1):
        highest = _window_extreme(highest, radius_px, axis, np.maximum)
        lowest = _window_extreme(lowest, radius_px, axis, np.minimum)
    edges: BoolArray = highest - lowest > threshold * depth_m
    return edges


def _window_extreme(array: FloatArray, radius: int, axis: int, extreme: np.ufunc) -> FloatArray:
    """Extreme over a centred window of ``2 radius + 1`` along one axis, clipped at the border."""
    array = np.moveaxis(array, axis, 0)
    result = array.copy()
    for shift in range(1, min(radius, len(array) - 1) + 1):
        extreme(result[shift:], array[:-shift], out=result[shift:])
        extreme(result[:-shift], array[shift:], out=result[:-shift])
    return np.moveaxis(result, 0, axis)


def visible(depth_m: FloatArray, far_m: float, edge_threshold: float | None = None) -> BoolArray:
    """Which pixels become points: in front of the camera, nearer than ``far_m``, off the edges.

    Args:
        depth_m: ``(H, W)``.
        far_m: Points at or beyond this distance are left out.
        edge_threshold: See :func:`depth_edges`; ``None`` keeps the edges.
    """
    # The farthest pixel is at far_m but for a rounding error of its precision.
    limit = far_m * (1 - 4 * float(np.finfo(depth_m.dtype).eps))
    kept: BoolArray = (depth_m > 0) & (depth_m < limit)
    if edge_threshold is not None:
        kept &= ~depth_edges(depth_m, edge_threshold)
    return kept
