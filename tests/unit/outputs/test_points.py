import numpy as np
import pytest

from vizion3d.geometry.projection import CameraIntrinsics, Frame, unproject
from vizion3d.lifting.models import (
    LARGEST,
    TINIEST,
    DepthEstimationAdvanceConfig,
    DepthEstimationResult,
)
from vizion3d.outputs.points import to_points

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


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("focal_px", [TINIEST * 1.01, LARGEST])
@pytest.mark.parametrize("centre_px", [-LARGEST, LARGEST])
@pytest.mark.parametrize(
    ("near_m", "far_m"), [(TINIEST * 1.01, LARGEST), (TINIEST * 1.01, TINIEST * 1.02), (0.5, 10)]
)
@pytest.mark.parametrize("edge_threshold", [None, TINIEST * 1.01, LARGEST])
def test_every_config_that_is_accepted_gives_finite_points(
    focal_px: float, centre_px: float, near_m: float, far_m: float, edge_threshold: float | None
) -> None:
    config = DepthEstimationAdvanceConfig(
        fx=focal_px,
        fy=focal_px,
        cx=centre_px,
        cy=centre_px,
        depth_near=near_m,
        depth_trunc=far_m,
        edge_threshold=edge_threshold,
    )
    result = metric_result().model_copy(
        update={"depth_kind": "relative", "intrinsics": config.intrinsics_for(3, 2)}
    )
    points, _ = to_points(result, config)
    assert np.isfinite(points).all()
