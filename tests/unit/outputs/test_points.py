import numpy as np
import pytest

from vizion3d.geometry.cameras import CameraIntrinsics
from vizion3d.geometry.frames import Frame
from vizion3d.geometry.projection import unproject
from vizion3d.outputs.points import to_points

DEPTH_M = np.array([[1.0, 2.0, 0.0], [3.0, 0.0, 0.5]], np.float32)
COLORS = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
CAMERA = CameraIntrinsics(2.0, 3.0, 1.0, 0.5, 3, 2)


@pytest.mark.parametrize(("frame", "signs"), [("opencv", (1, 1, 1)), ("opengl", (1, -1, -1))])
def test_points_stand_row_by_row_in_the_frame_with_their_colours(
    frame: Frame, signs: tuple[int, int, int]
) -> None:
    points, colors = to_points(DEPTH_M, COLORS, CAMERA, frame)
    kept = DEPTH_M > 0
    assert points.dtype == np.float32
    assert colors.dtype == np.uint8
    assert np.allclose(points, unproject(DEPTH_M, CAMERA)[kept] * signs)
    assert np.array_equal(colors, COLORS[kept])


def test_depth_in_double_precision_gives_single_precision_points() -> None:
    points, _ = to_points(DEPTH_M.astype(np.float64), COLORS, CAMERA)
    assert points.dtype == np.float32


def test_an_image_without_depth_gives_no_points() -> None:
    points, colors = to_points(np.zeros((2, 3), np.float32), COLORS, CAMERA)
    assert (points.shape, colors.shape) == ((0, 3), (0, 3))
