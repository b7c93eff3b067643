"""From inverse depth to points in space: pure NumPy, in the precision of what comes in.

The camera is an ideal pinhole (Hartley and Zisserman, *Multiple View Geometry*, chapter 6): pixel
(u, v), its centre at integer coordinates, sees the point X = (u - cx) z / fx, Y = (v - cy) z / fy
at depth z, measured along the optical axis.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vizion3d.core.arrays import BoolArray, FloatArray

Frame = Literal["opencv", "opengl"]
DepthKind = Literal["relative", "metric"]

NETWORK_PIXELS = 518
"""Shorter side at which the network usually sees an image: the scale of its edges' blur."""


@dataclass(frozen=True)
class CameraIntrinsics:
    """A pinhole camera without distortion, for images of one size.

    Attributes:
        fx: Horizontal focal length, in pixels.
        fy: Vertical focal length, in pixels.
        cx: Column of the principal point, in pixels; the first column's centre is 0.
        cy: Row of the principal point, in pixels; the first row's centre is 0.
        width_px: Width of the image.
        height_px: Height of the image.
        sources: Where each of ``fx``, ``fy``, ``cx``, ``cy`` came from, in words.
    """

    fx: float
    fy: float
    cx: float
    cy: float
    width_px: int
    height_px: int
    sources: Mapping[str, str] = field(default_factory=dict)

    def matrix(self) -> NDArray[np.float64]:
        """The 3 x 3 camera matrix K."""
        return np.array([[self.fx, 0, self.cx], [0, self.fy, self.cy], [0, 0, 1]])


def scale_inverse_depth(inverse_depth: FloatArray) -> FloatArray:
    """Scale inverse depth to [0, 1] over the image: 0 the farthest pixel, 1 the closest.

    An image without any contrast has no relative depth: it becomes 1 everywhere, a plane at the
    near distance.
    """
    values = inverse_depth.astype(np.result_type(inverse_depth, np.float32), copy=False)
    low, high = values.min(), values.max()
    if not high > low:
        return np.ones_like(values)
    scaled: FloatArray = (values - low) / (high - low)
    return scaled


def inverse_depth_to_metres(inverse_depth: FloatArray, near_m: float, far_m: float) -> FloatArray:
    """Depth of each pixel, if the closest lies at ``near_m`` and the farthest at ``far_m``.

    1/z = 1/far + d (1/near - 1/far), with d the inverse depth scaled to [0, 1]. The reciprocal is a
    projective map: it keeps planes planar, whatever the unknown scale and shift of the inverse
    depth (Ranftl et al. 2022, *Towards Robust Monocular Depth Estimation*, arXiv:1907.01341), where
    a linear flip bends every one of them.

    Args:
        inverse_depth: ``(H, W)``, higher = closer, any unit.
        near_m: Distance of the closest pixel, in metres, positive.
        far_m: Distance of the farthest pixel, in metres, above ``near_m``.

    Returns:
        ``(H, W)``, metres, in ``[near_m, far_m]``.
    """
    inverse_m = scale_inverse_depth(inverse_depth)
    inverse_m *= 1 / near_m - 1 / far_m
    inverse_m += 1 / far_m
    return np.reciprocal(inverse_m, out=inverse_m)


def depth_to_metres(depth: FloatArray, kind: DepthKind, near_m: float, far_m: float) -> FloatArray:
    """A network's output as distances along the optical axis, in metres.

    Metric depth is taken as it is; relative depth goes through :func:`inverse_depth_to_metres`.
    """
    if kind == "metric":
        return depth
    return inverse_depth_to_metres(depth, near_m, far_m)


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


FRAME_ROTATIONS: dict[Frame, tuple[int, int, int]] = {"opencv": (1, 1, 1), "opengl": (1, -1, -1)}
"""Diagonal of the rotation from the camera's frame; determinant +1, so nothing is mirrored."""


def to_frame(points: FloatArray, frame: Frame) -> FloatArray:
    """Turn points from the camera's frame into another, in place.

    Args:
        points: ``(..., 3)``: x right, y down, z forward.
        frame: ``"opencv"`` leaves them so; ``"opengl"`` is x right, y up, z backward.
    """
    if frame != "opencv":
        points *= np.asarray(FRAME_ROTATIONS[frame], points.dtype)
    return points


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
