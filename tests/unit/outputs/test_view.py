import numpy as np

from vizion3d.geometry.cameras import CameraIntrinsics
from vizion3d.geometry.projection import unproject
from vizion3d.outputs.view import BACKGROUND, render_view

CAMERA = CameraIntrinsics(50, 50, 19.5, 14.5, 40, 30)
COLORS = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)


def test_from_where_it_was_taken_the_cloud_is_the_photo() -> None:
    depth = np.random.default_rng(1).uniform(1, 3, (30, 40)).astype(np.float32)
    points = unproject(depth, CAMERA).reshape(-1, 3)
    view = render_view(points, COLORS.reshape(-1, 3), CAMERA, 0, 0, point_px=1)
    assert np.array_equal(view, COLORS)


def test_the_closer_point_hides_the_farther() -> None:
    points = np.array([[0, 0, 1], [0, 0, 5]], np.float32)
    colors = np.array([[255, 0, 0], [0, 255, 0]], np.uint8)
    for order in ([0, 1], [1, 0]):
        camera = CameraIntrinsics(50, 50, 20, 15, 40, 30)
        view = render_view(points[order], colors[order], camera, 0, 0)
        assert view[15, 20].tolist() == [255, 0, 0]


def test_orbiting_to_the_right_moves_what_is_near_to_the_left() -> None:
    points = np.array([[0, 0, 1], [0, 0, 2], [0, 0, 3]], np.float32)
    colors = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8)
    view = render_view(points, colors, CAMERA, yaw_deg=10, pitch_deg=0)
    columns = [np.flatnonzero((view == color).all(-1).any(0)).mean() for color in colors]
    assert columns[0] < columns[1] < columns[2]


def test_no_points_give_the_background() -> None:
    view = render_view(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.uint8), CAMERA)
    assert (view == BACKGROUND).all()
