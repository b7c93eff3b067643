import pickle
from pathlib import Path
from typing import Any

import numpy as np
import open3d as o3d
import pytest

from tests.support.fakes import METRIC
from tests.unit.lifting.test_handler import Kitchen
from vizion3d.errors import InvalidConfigError
from vizion3d.lifting import (
    AlignDepthCommand,
    AlignedDepth,
    DepthEstimation,
    DepthEstimationAdvanceConfig,
    DepthEstimationCommand,
    DepthEstimationResult,
    Knowledge,
)
from vizion3d.lifting.aligning import AlignDepthHandler
from vizion3d.lifting.output import DepthOutput
from vizion3d.outputs.formats import FORMATS

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 256, (6, 8, 3), np.uint8)
TRUE_M = RNG.uniform(0.5, 5, (6, 8))
RELATIVE_DEPTH = (3 / TRUE_M + 0.7).astype(np.float32)
KNOWN = Knowledge([(u, v, TRUE_M[v, u]) for u, v in ((1, 1), (6, 2), (3, 4), (7, 5))])


def result(**changes: Any) -> DepthEstimationResult:
    fields: dict[str, Any] = {
        "raw_depth": RELATIVE_DEPTH,
        "rgb": IMAGE,
        "min_depth": float(RELATIVE_DEPTH.min()),
        "max_depth": float(RELATIVE_DEPTH.max()),
        "backend_used": "fake.pth",
        "intrinsics": DepthEstimationAdvanceConfig().intrinsics_for(8, 6),
    }
    return DepthEstimationResult(**{**fields, **changes})


def test_a_result_becomes_metres() -> None:
    confidence = RELATIVE_DEPTH + 1
    aligned = DepthEstimation().align(result(confidence=confidence), points=KNOWN.points)
    assert isinstance(aligned, AlignedDepth)
    assert aligned.confidence is confidence
    np.testing.assert_allclose(aligned.depth_m, TRUE_M, rtol=1e-5)
    assert aligned.depth_m.dtype == np.float32
    assert aligned.raw_depth is aligned.depth_m
    assert (aligned.min_depth, aligned.max_depth) == (aligned.depth_m.min(), aligned.depth_m.max())
    assert aligned.depth_kind == "metric"
    assert aligned.scale == pytest.approx(1 / 3, rel=1e-5)
    assert aligned.shift == pytest.approx(-0.7 / 3, rel=1e-4)
    assert aligned.fixed == ("scale", "shift")
    assert aligned.inliers == 4
    assert aligned.residuals.rms_percent < 1e-3
    assert aligned.uncertainty_m.shape == (6, 8)
    assert (aligned.uncertainty_m > 0).all()
    assert aligned.rgb is not None
    assert np.array_equal(aligned.rgb, IMAGE)
    assert aligned.intrinsics == result().intrinsics
    assert aligned.backend_used == "fake.pth"


def test_a_command_is_run_first(tmp_path: Path) -> None:
    kitchen = Kitchen(tmp_path, RELATIVE_DEPTH)
    handler = AlignDepthHandler(kitchen.handler.handle)
    command = DepthEstimationCommand(IMAGE, return_point_cloud=True, return_depth_image=True)
    aligned = handler.handle(AlignDepthCommand(command, KNOWN))
    np.testing.assert_allclose(aligned.depth_m, TRUE_M, rtol=1e-5)
    assert isinstance(aligned.point_cloud, o3d.geometry.PointCloud)
    depths = np.asarray(aligned.point_cloud.points)[:, 2]
    np.testing.assert_allclose(depths, TRUE_M.ravel(), rtol=1e-5)
    pixels = np.asarray(aligned.depth_image)
    assert pixels.ravel()[TRUE_M.argmax()] == 65535  # metric: white is far
    assert command.knowledge is None


def test_knowledge_of_a_depth_command_aligns_its_result(tmp_path: Path) -> None:
    kitchen = Kitchen(tmp_path, RELATIVE_DEPTH)
    aligned = kitchen.handler.handle(DepthEstimationCommand(IMAGE, knowledge=KNOWN))
    assert isinstance(aligned, AlignedDepth)
    np.testing.assert_allclose(aligned.depth_m, TRUE_M, rtol=1e-5)


def test_a_metric_network_gets_a_factor(tmp_path: Path) -> None:
    kitchen = Kitchen(tmp_path, (TRUE_M / 1.3).astype(np.float32), METRIC)
    kitchen.runtime.network = METRIC
    aligned = kitchen.handler.handle(
        DepthEstimationCommand(IMAGE, knowledge=Knowledge([(1, 1, TRUE_M[1, 1])]))
    )
    assert isinstance(aligned, AlignedDepth)
    assert aligned.scale == pytest.approx(1.3, rel=1e-5)
    np.testing.assert_allclose(aligned.depth_m, TRUE_M, rtol=1e-5)


def test_the_objects_of_a_result_are_made_when_asked_for() -> None:
    far = DepthEstimationAdvanceConfig(depth_trunc=2)
    command = AlignDepthCommand(
        result(), KNOWN, return_depth_image=True, return_point_cloud=True, advanced_config=far
    )
    aligned = AlignDepthHandler(lambda _: result()).handle(command)
    assert np.asarray(aligned.depth_image).dtype == np.uint16
    assert aligned.point_cloud is not None
    assert len(np.asarray(aligned.point_cloud.points)) == (TRUE_M < 2).sum()
    plain = AlignDepthHandler(lambda _: result()).handle(AlignDepthCommand(result(), KNOWN))
    assert (plain.depth_image, plain.point_cloud) == (None, None)


def test_a_result_without_its_photo_has_no_cloud() -> None:
    handler = AlignDepthHandler(lambda _: result())
    for lacking in ({"rgb": None}, {"intrinsics": None}):
        with pytest.raises(InvalidConfigError, match="needs a result with its photo"):
            handler.handle(AlignDepthCommand(result(**lacking), KNOWN, return_point_cloud=True))


def test_aligning_twice_corrects_the_factor() -> None:
    task = DepthEstimation()
    wrong = task.align(result(), points=np.asarray(KNOWN.points)[:, :3] * (1, 1, 2))
    right = task.align(wrong, points=[(1, 1, TRUE_M[1, 1])])
    np.testing.assert_allclose(right.depth_m, TRUE_M, rtol=1e-5)


def test_files_are_in_true_metres() -> None:
    aligned = DepthEstimation().align(result(), points=KNOWN.points)
    output = DepthOutput(aligned, DepthEstimationAdvanceConfig(depth_trunc=100))
    np.testing.assert_allclose(output.depth_m, TRUE_M, rtol=1e-5)
    np.testing.assert_allclose(output.points[0][:, 2], TRUE_M.ravel(), rtol=1e-5)
    written = {row.name: row.encode(output) for row in FORMATS}
    assert b'"space": "inverse_depth"' in written["json"]


def test_it_travels_between_processes() -> None:
    aligned = DepthEstimation().align(result(), points=KNOWN.points)
    again = pickle.loads(pickle.dumps(aligned))
    assert again == aligned
    assert again.alignment == aligned.alignment
    assert aligned != result()


def test_what_nothing_is_known_as_is_refused() -> None:
    with pytest.raises(InvalidConfigError, match=r"no argument heights; use points, distances"):
        DepthEstimation().align(result(), heights=[1])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: AlignDepthCommand("scene.png", KNOWN), "source must be"),  # type: ignore[arg-type]
        (lambda: AlignDepthCommand(result(), [(1, 2, 3)]), "knowledge must be"),  # type: ignore[arg-type]
        (lambda: DepthEstimationCommand(IMAGE, knowledge=[]), "knowledge must be"),  # type: ignore[arg-type]
        (
            lambda: AlignedDepth(  # type: ignore[call-arg]  # what is tested
                depth_map=[[1.0]], min_depth=1, max_depth=1, backend_used=""
            ),
            "needs",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(make: Any, said: str) -> None:
    with pytest.raises(InvalidConfigError, match=said):
        make()
