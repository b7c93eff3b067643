import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from vizion3d.geometry.projection import (
    FRAME_ROTATIONS,
    CameraIntrinsics,
    depth_edges,
    depth_to_metres,
    inverse_depth_to_metres,
    project,
    scale_inverse_depth,
    to_frame,
    unproject,
    visible,
)

FloatArray = NDArray[np.float64]


@st.composite
def cameras(draw: st.DrawFn) -> CameraIntrinsics:
    width, height = draw(st.integers(2, 40)), draw(st.integers(2, 40))
    focal = st.floats(0.3 * width, 5 * width)
    return CameraIntrinsics(
        fx=draw(focal),
        fy=draw(focal),
        cx=draw(st.floats(-0.5 * width, 1.5 * width)),
        cy=draw(st.floats(-0.5 * height, 1.5 * height)),
        width_px=width,
        height_px=height,
    )


def plane_depth(camera: CameraIntrinsics, slope_x: float, slope_y: float) -> FloatArray:
    """Depth of the plane 1/z = 1/4 + slope_x x' + slope_y y', x' and y' in normalised coordinates.

    Every plane that does not pass through the camera's centre has that form.
    """
    u, v = np.meshgrid(np.arange(camera.width_px), np.arange(camera.height_px))
    x, y = (u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy
    inverse = 0.25 + slope_x * x + slope_y * y
    return np.asarray(1 / inverse)


def planarity(points: FloatArray) -> float:
    """Largest distance from the best plane, as a share of the points' extent."""
    centred = points.reshape(-1, 3) - points.reshape(-1, 3).mean(0)
    normal = np.linalg.svd(centred, full_matrices=False)[2][-1]
    return float(np.abs(centred @ normal).max() / np.ptp(centred, axis=0).max())


@given(cameras(), st.integers(0, 2**32 - 1))
def test_projecting_what_was_unprojected_gives_the_pixels_back(
    camera: CameraIntrinsics, seed: int
) -> None:
    shape = camera.height_px, camera.width_px
    depth = np.random.default_rng(seed).uniform(0.1, 50, shape)
    pixels = project(unproject(depth, camera), camera)
    u, v = np.meshgrid(np.arange(shape[1]), np.arange(shape[0]))
    np.testing.assert_allclose(pixels, np.stack((u, v), axis=-1), atol=1e-6)


@given(
    cameras(),
    st.floats(-0.05, 0.05),
    st.floats(-0.05, 0.05),
    st.floats(1e-3, 1e3),
    st.floats(-1e2, 1e2),
)
def test_a_plane_stays_planar_whatever_scale_and_shift_its_inverse_depth_has(
    camera: CameraIntrinsics, slope_x: float, slope_y: float, scale: float, shift: float
) -> None:
    depth = plane_depth(camera, slope_x, slope_y)
    if depth.min() <= 0 or depth.max() / depth.min() < 1.01:
        return  # behind the camera, or nearly parallel to the image
    metres = inverse_depth_to_metres(scale / depth + shift, near_m=0.5, far_m=10)
    assert planarity(unproject(metres, camera)) < 1e-6


def test_the_linear_flip_bends_the_plane_that_the_reciprocal_keeps() -> None:
    camera = CameraIntrinsics(525, 525, 319.5, 239.5, 640, 480)
    inverse = 1 / plane_depth(camera, 0.2, 0.1)
    kept = inverse_depth_to_metres(inverse, near_m=0.5, far_m=10)
    flipped = 0.5 + 9.5 * (1 - scale_inverse_depth(inverse))
    assert planarity(unproject(kept, camera)) < 1e-9
    assert planarity(unproject(flipped, camera)) > 0.02


@given(st.floats(1e-2, 5), st.floats(5.1, 1e3), st.integers(0, 2**32 - 1))
def test_metres_run_from_near_to_far_and_fall_with_inverse_depth(
    near: float, far: float, seed: int
) -> None:
    inverse = np.random.default_rng(seed).normal(size=(5, 7))
    metres = inverse_depth_to_metres(inverse, near, far)
    assert metres.min() == pytest.approx(near)
    assert metres.max() == pytest.approx(far)
    assert (np.argsort(inverse.ravel()) == np.argsort(-metres.ravel())).all()


def test_the_formula_of_the_reciprocal() -> None:
    metres = inverse_depth_to_metres(np.array([[2.0, 4.0, 3.0]]), near_m=1.0, far_m=4.0)
    assert metres == pytest.approx(np.array([[4.0, 1.0, 1 / 0.625]]))


def test_what_is_handed_in_is_left_alone() -> None:
    inverse = np.array([[1.0, 2.0]])
    inverse_depth_to_metres(inverse, 0.5, 10)
    assert inverse.tolist() == [[1.0, 2.0]]


def test_an_image_without_contrast_is_a_plane_at_the_near_distance() -> None:
    metres = inverse_depth_to_metres(np.full((3, 4), 7.0, np.float32), 0.5, 10)
    assert metres.dtype == np.float32
    assert (metres == 0.5).all()
    assert visible(metres, 10).all()


def test_whole_numbers_become_floats() -> None:
    assert inverse_depth_to_metres(np.array([[2, 4]]), 1, 4).tolist() == [[4.0, 1.0]]
    assert inverse_depth_to_metres(np.array([[3, 3]]), 1, 4).tolist() == [[1.0, 1.0]]


def test_metric_depth_is_taken_as_it_is() -> None:
    depth = np.array([[1.5, 30.0]])
    assert depth_to_metres(depth, "metric", 0.5, 10) is depth
    assert depth_to_metres(depth, "relative", 0.5, 10).tolist() == [[10.0, 0.5]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_points_at_or_beyond_the_far_distance_and_behind_the_camera_are_not_visible(
    dtype: type,
) -> None:
    depth = np.array([[-1.0, 0.0, 1.0, 9.999, 10.0, 11.0]], dtype)
    assert visible(depth, 10).tolist() == [[False, False, True, True, False, False]]


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 3.3), st.floats(3.4, 500))
def test_the_farthest_pixel_of_a_relative_image_is_never_visible(
    seed: int, near: float, far: float
) -> None:
    inverse = np.random.default_rng(seed).normal(size=(6, 6)).astype(np.float32)
    kept = visible(inverse_depth_to_metres(inverse, near, far), far)
    assert not kept.ravel()[inverse.argmin()]
    assert kept.ravel()[inverse.argmax()]


def test_frames_are_rotations() -> None:
    for diagonal in FRAME_ROTATIONS.values():
        assert np.linalg.det(np.diag(diagonal)) == pytest.approx(1)
    points = np.array([[1.0, 2.0, 3.0]])
    assert to_frame(points.copy(), "opencv").tolist() == [[1, 2, 3]]
    assert to_frame(points.copy(), "opengl").tolist() == [[1, -2, -3]]


def test_the_matrix_is_the_projection() -> None:
    camera = CameraIntrinsics(500, 510, 320, 240, 640, 480)
    point = np.array([0.3, -0.2, 2.0])
    u, v, w = camera.matrix() @ point
    assert project(point, camera) == pytest.approx([u / w, v / w])


def test_edges_are_found_on_both_sides_of_a_jump_and_nowhere_on_a_slope() -> None:
    depth = np.tile(np.linspace(1, 1.5, 40), (20, 1))
    assert not depth_edges(depth, 0.04).any()
    depth[:, 20:] += 2
    edges = depth_edges(depth, 0.04)
    assert np.flatnonzero(edges.all(axis=0)).tolist() == [19, 20]
    assert np.flatnonzero(edges.any(axis=0)).tolist() == [19, 20]


def test_the_width_of_an_edge_grows_with_the_image() -> None:
    depth = np.ones((4 * 518, 40), np.float32)
    depth[1000:] = 3
    wide = np.ones((40, 4 * 518), np.float32)
    wide[20:] = 3
    assert depth_edges(depth, 0.04).sum(axis=0).max() == 2  # shorter side 40: one pixel each way
    square = np.ones((1036, 1036), np.float32)
    square[500:] = 3
    assert depth_edges(square, 0.04).sum(axis=0).tolist() == [4] * 1036


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 9))
def test_edges_equal_the_definition(seed: int, height: int, width: int) -> None:
    depth = np.random.default_rng(seed).uniform(1, 1.1, (height, width))
    edges = depth_edges(depth, 0.05)
    for v in range(height):
        for u in range(width):
            window = depth[max(0, v - 1) : v + 2, max(0, u - 1) : u + 2]
            assert edges[v, u] == (window.max() - window.min() > 0.05 * depth[v, u])
