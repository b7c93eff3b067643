from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.fakes import GivenLifted
from vizion3d.core.arrays import Float32Array, UInt8Array
from vizion3d.geometry.cameras import CameraIntrinsics
from vizion3d.geometry.frames import Frame, to_frame
from vizion3d.outputs.points import to_points
from vizion3d.outputs.result_output import ResultOutput, with_objects


@dataclass
class GivenResult:
    """A photo of no task."""

    rgb: UInt8Array | None = None
    intrinsics: CameraIntrinsics | None = None
    depth_image: Any = None
    point_cloud: Any = None


@dataclass(frozen=True)
class GivenConfig:
    """How it was asked for."""

    frame: Frame = "opencv"
    max_points: int | None = None
    voxel: float | None = None


class GivenOutput(ResultOutput[GivenResult, GivenConfig]):
    """Shows a depth that is 0 in its first row."""

    gray: NDArray[np.uint16] = GivenLifted.gray

    @property
    def shown_depth_m(self) -> Float32Array:
        depth_m = GivenLifted.depth_m.copy()
        depth_m[0] = 0
        return depth_m


def output(**config: Any) -> GivenOutput:
    result = GivenResult(GivenLifted.rgb, GivenLifted.intrinsics)
    return GivenOutput(result, GivenConfig(**config))


def test_points_are_those_of_the_shown_depth_in_the_frame_that_is_asked_for() -> None:
    points, colors = output().points
    expected = to_points(output().shown_depth_m, GivenLifted.rgb, GivenLifted.intrinsics, "opencv")
    assert len(points) == 5 * 8
    assert np.array_equal(points, expected[0])
    assert np.array_equal(colors, GivenLifted.rgb[1:].reshape(-1, 3))
    turned = output(frame="opengl").points[0]
    np.testing.assert_allclose(turned, to_frame(points.copy(), "opengl"))


def test_a_cloud_is_thinned_as_it_is_asked_for() -> None:
    few = output(max_points=7)
    assert (len(few.points[0]), few.max_points) == (7, 7)
    assert len(output(voxel=100.0).points[0]) == 1


@pytest.mark.parametrize("config", [{}, {"max_points": 7}])
def test_the_open3d_cloud_has_the_same_points(config: dict[str, Any]) -> None:
    shown = output(**config)
    np.testing.assert_allclose(np.asarray(shown.cloud().points), shown.points[0], atol=1e-6)


@pytest.mark.parametrize(
    ("depth_image", "point_cloud"), [(False, False), (True, False), (False, True)]
)
def test_a_result_gets_the_objects_that_are_asked_for(depth_image: bool, point_cloud: bool) -> None:
    shown = output()
    given = with_objects(shown.result, shown, depth_image, point_cloud)
    assert given is shown.result
    assert (given.depth_image is not None, given.point_cloud is not None) == (
        depth_image,
        point_cloud,
    )
    if depth_image:
        assert np.array_equal(np.asarray(given.depth_image), GivenLifted.gray)
