"""The coloured points of a result, without Open3D."""

import numpy as np
from numpy.typing import NDArray

from vizion3d.geometry import projection as geometry
from vizion3d.lifting.models import DepthEstimationAdvanceConfig, DepthEstimationResult


def shown_depth(
    result: DepthEstimationResult, config: DepthEstimationAdvanceConfig
) -> NDArray[np.float32]:
    """Distance along the optical axis, metres, float32 ``(H, W)``; 0 where there is no point."""
    depth_m = geometry.depth_to_metres(
        result.raw_depth, result.depth_kind, config.depth_near, config.depth_trunc
    )
    shown = geometry.visible(depth_m, config.depth_trunc, config.edge_threshold)
    return np.where(shown, depth_m, np.float32(0))


def to_points(
    result: DepthEstimationResult, config: DepthEstimationAdvanceConfig
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """The points of a result, row by row.

    Args:
        result: Of a run; it has ``rgb`` and ``intrinsics``.
        config: The range of depth, the frame and the edge threshold.

    Returns:
        Points float32 ``(N, 3)`` in metres in ``config.frame``, and RGB colours uint8 ``(N, 3)``.
    """
    assert result.rgb is not None
    assert result.intrinsics is not None
    depth_m = shown_depth(result, config)
    shown = depth_m > 0
    points = geometry.unproject(depth_m, result.intrinsics)[shown]
    return geometry.to_frame(points, config.frame), result.rgb[shown]
