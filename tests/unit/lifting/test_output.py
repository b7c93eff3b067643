import json

import numpy as np
import pytest

from vizion3d.core.validation import LARGEST, TINIEST
from vizion3d.geometry.cameras import CameraIntrinsics
from vizion3d.lifting.models import DepthEstimationAdvanceConfig, DepthEstimationResult
from vizion3d.lifting.output import DepthOutput
from vizion3d.outputs.formats import FORMATS, Lifted

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


def test_points_are_those_before_the_truncation() -> None:
    output = DepthOutput(metric_result(), DepthEstimationAdvanceConfig())
    assert output.points[0][:, 2].tolist() == [1.0, 2.0, 9.0, 3.0]
    nearer = DepthOutput(metric_result(), DepthEstimationAdvanceConfig(depth_trunc=2.5))
    assert nearer.points[0][:, 2].tolist() == [1.0, 2.0]
    assert np.array_equal(nearer.points[1], COLORS[0, :2])
    assert np.array_equal(nearer.depth_m, DEPTH_M)


def test_relative_depth_runs_from_near_to_the_truncation() -> None:
    result = metric_result().model_copy(update={"depth_kind": "relative"})
    depth_m = DepthOutput(result, DepthEstimationAdvanceConfig(depth_trunc=4)).depth_m
    assert depth_m.dtype == np.float32
    assert depth_m[1, 1] == pytest.approx(0.5)
    assert depth_m[1, 2] == pytest.approx(4)


def test_every_format_can_be_made_of_it() -> None:
    output: Lifted = DepthOutput(metric_result(), DepthEstimationAdvanceConfig(), "gray")
    files = {row.name: row.encode(output) for row in FORMATS}
    assert all(files.values())
    facts = json.loads(files["json"])
    assert facts["min_depth"] == 0
    assert facts["intrinsics"]["fx"] == 2.0
    assert facts["depth_range"]["depth_trunc"] == 10.0
    assert "fx" not in facts["depth_range"]


def test_every_map_that_is_told_is_in_the_archive() -> None:
    result = metric_result()
    config = DepthEstimationAdvanceConfig()
    assert set(DepthOutput(result, config).arrays) == {"depth", "intrinsics"}
    told = {"sky_depth": 11.0, "confidence": DEPTH_M + 1}
    arrays = DepthOutput(result.model_copy(update=told), config).arrays
    assert set(arrays) == {"depth", "intrinsics", "sky", "confidence"}
    assert np.array_equal(arrays["confidence"], DEPTH_M + 1)
    assert arrays["sky"].tolist() == [[False, False, False], [False, True, False]]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("focal_px", [TINIEST * 1.01, LARGEST])
@pytest.mark.parametrize("centre_px", [0.0, 1.0])
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
    points, _ = DepthOutput(result, config).points
    assert np.isfinite(points).all()
