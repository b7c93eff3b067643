from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.in_process import over_grpc
from tests.support.toy.commands import DifferenceCommand
from tests.support.toy.task import DIFFERENCE
from tests.unit.geometry.test_steady import flickering, lines, panning
from vizion3d.errors import InferenceError, InvalidConfigError, InvalidImageError
from vizion3d.geometry.cameras import CameraIntrinsics
from vizion3d.geometry.steady import Steadier
from vizion3d.lifting import DepthEstimation, DepthEstimationCommand, DepthEstimationResult
from vizion3d.lifting.output import DepthOutput
from vizion3d.lifting.steady import steady_results
from vizion3d.lifting.task import DEPTH_ESTIMATION
from vizion3d.server.settings import ServerSettings
from vizion3d.serving import build_service


def results(**changes: Any) -> tuple[list[np.ndarray], list[DepthEstimationResult]]:
    images, truth = panning(8, 2)
    made = [
        DepthEstimationResult(
            **{
                "raw_depth": depth,
                "rgb": image,
                "min_depth": float(depth.min()),
                "max_depth": float(depth.max()),
                "backend_used": "fake",
                **changes,
            }
        )
        for image, depth in zip(images, flickering(truth), strict=True)
    ]
    return truth, made


def points_of(result: DepthEstimationResult) -> NDArray[np.float64]:
    assert result.point_cloud is not None
    return np.asarray(result.point_cloud.points)


def test_results_share_a_scale_and_say_which_they_got() -> None:
    truth, made = results()
    steady = list(steady_results((each for each in made), Steadier()))
    found = lines(truth, [result.raw_depth for result in steady])
    assert np.ptp(found[:, 0]) < 0.1 * np.ptp(lines(truth, [r.raw_depth for r in made])[:, 0])
    for before, after in zip(made, steady, strict=True):
        assert after.steady is not None
        assert np.array_equal(after.raw_depth, after.steady.apply(before.raw_depth))
        assert (after.min_depth, after.max_depth) == (
            after.raw_depth.min(),
            after.raw_depth.max(),
        )
        assert after.depth_map == after.raw_depth.tolist()
        assert before.steady is None


def test_clouds_of_what_stands_still_agree_while_something_comes_close() -> None:
    images, truth = panning(8, 0)
    for number, (image, depth) in enumerate(zip(images, truth, strict=True)):
        left = 8 * number
        image[40:80, left : left + 30] = 255 - image[40:80, left : left + 30]
        depth[40:80, left : left + 30] = 2.5 + 0.2 * number
    made = [
        DepthEstimationResult(
            raw_depth=depth,
            rgb=image,
            min_depth=float(depth.min()),
            max_depth=float(depth.max()),
            backend_used="fake",
            intrinsics=CameraIntrinsics(150, 150, 80, 60, 160, 120),
        )
        for image, depth in zip(images, flickering(truth), strict=True)
    ]
    steady = list(steady_results((each for each in made), Steadier()))

    def spread(frames: list[DepthEstimationResult]) -> float:
        """Largest change of the still pixels' distance between two frames, at the median."""
        metres = np.array([np.delete(f.metres(), slice(40, 80), axis=0) for f in frames])
        return float(np.median(np.abs(np.diff(metres, axis=0)) / metres[1:], axis=(1, 2)).max())

    assert spread(made) > 0.03
    assert spread(steady) < 0.02
    np.testing.assert_array_equal(steady[0].metres(), made[0].metres())


def test_errors_and_metric_depth_pass() -> None:
    _, made = results(depth_kind="metric")
    error = InferenceError("no")
    mixed: list[DepthEstimationResult | InferenceError] = [made[0], error, made[1]]
    passed = list(steady_results((each for each in mixed), Steadier()))
    assert passed[0] is made[0]
    assert passed[1] is error
    assert passed[2] is made[1]


def test_run_many_steadies(tmp_path: Path) -> None:
    images, _ = panning(3, 2)
    commands = [
        DepthEstimationCommand(image, "nano", input_size=56, return_point_cloud=True)
        for image in images
    ]
    plain = list(DepthEstimation().run_many(commands))
    steady = list(DepthEstimation().run_many(commands, steady=True))
    for before, after in zip(plain, steady, strict=True):
        assert after.steady is not None
        assert np.array_equal(after.raw_depth, after.steady.apply(before.raw_depth))
        shown = DepthOutput(after, commands[0].advanced_config).points[0]
        np.testing.assert_allclose(points_of(after), shown, rtol=1e-5)
    first, *_, last = [result.steady for result in steady]
    assert first is not None
    assert last is not None
    assert first.new_shot
    assert first.range == last.range


def test_frames_out_of_order_cannot_be_steadied() -> None:
    with pytest.raises(InvalidConfigError, match="leave ordered"):
        DepthEstimation().run_many([], ordered=False, steady=True)


@pytest.mark.slow
def test_a_stream_is_steadied_by_the_server_as_by_the_library() -> None:
    images, _ = panning(4, 2)
    commands: list[DepthEstimationCommand] = [
        DepthEstimationCommand(image, "nano", input_size=64, return_point_cloud=True)
        for image in images
    ]
    broken = DepthEstimationCommand(b"no photo", "nano")
    expected = list(DepthEstimation().run_many(commands, steady=True))
    service = build_service(
        ServerSettings(port=0, models={"depth_estimation": "nano"}), (DEPTH_ESTIMATION,)
    )
    with over_grpc(service) as client:
        stream = client.run_stream([*commands[:2], broken, *commands[2:]], steady=True)
        found = list(stream)
        alone = client.run_stream(commands[:2])
        plain = list(alone)
    assert isinstance(found.pop(2), InvalidImageError)
    for ours, theirs in zip(expected, found, strict=True):
        assert isinstance(theirs, DepthEstimationResult)
        assert theirs.steady == ours.steady
        assert np.array_equal(theirs.raw_depth, ours.raw_depth)
        assert np.array_equal(points_of(theirs), points_of(ours))
        assert (theirs.min_depth, theirs.max_depth) == (ours.min_depth, ours.max_depth)
    assert [result.steady for result in plain if not isinstance(result, Exception)] == [None] * 2


def test_what_cannot_be_steadied_is_refused() -> None:
    photo = np.zeros((4, 4, 3), np.uint8)
    service = build_service(ServerSettings(port=0), (DIFFERENCE,))
    with over_grpc(service) as client:
        stream = client.run_stream([DifferenceCommand(photo, photo)], steady=True)
        with pytest.raises(InvalidConfigError, match="no steady frames"):
            next(stream)
