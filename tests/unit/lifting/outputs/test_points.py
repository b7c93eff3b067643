import numpy as np
import pytest

from vizion3d.lifting.geometry import CameraIntrinsics, Frame, unproject
from vizion3d.lifting.models import DepthEstimationAdvanceConfig, DepthEstimationResult
from vizion3d.lifting.outputs.points import to_points

DEPTH_M = np.array([[1.0, 2.0, 9.0], [3.0, 11.0, 0.0]], np.float32)
COLORS = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)


def metric_result() -> DepthEstimationResult:
    return DepthEstimationResult(
        raw_depth=DEPTH_M,
        rgb=COLORS,
        min_depth=0,
        max_depth=11,
        backend_used="any",
        depth_kind="metric",
        intrinsics=CameraIntrinsics(2.0, 3.0, 1.0, 0.5, 3, 2),
    )


@pytest.mark.parametrize(("frame", "signs"), [("opencv", (1, 1, 1)), ("opengl", (1, -1, -1))])
def test_points_stand_row_by_row_in_the_frame_with_their_colours(
    frame: Frame, signs: tuple[int, int, int]
) -> None:
    points, colors = to_points(metric_result(), DepthEstimationAdvanceConfig(frame=frame))
    kept = (DEPTH_M > 0) & (DEPTH_M < 10)
    camera = CameraIntrinsics(2.0, 3.0, 1.0, 0.5, 3, 2)
    assert points.dtype == np.float32
    assert colors.dtype == np.uint8
    assert np.allclose(points, unproject(DEPTH_M, camera)[kept] * signs)
    assert np.array_equal(colors, COLORS[kept])


def test_nearer_truncation_leaves_points_out() -> None:
    points, _ = to_points(metric_result(), DepthEstimationAdvanceConfig(depth_trunc=2.5))
    assert points[:, 2].tolist() == [1.0, 2.0]
