from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.geometry import cameras
from vizion3d.geometry.cameras import CameraIntrinsics
from vizion3d.geometry.depth import inverse_depth_to_metres
from vizion3d.geometry.projection import depth_edges, project, unproject, visible


@given(cameras(), st.integers(0, 2**32 - 1))
def test_projecting_what_was_unprojected_gives_the_pixels_back(
    camera: CameraIntrinsics, seed: int
) -> None:
    shape = camera.height_px, camera.width_px
    depth = np.random.default_rng(seed).uniform(0.1, 50, shape)
    pixels = project(unproject(depth, camera), camera)
    u, v = np.meshgrid(np.arange(shape[1]), np.arange(shape[0]))
    np.testing.assert_allclose(pixels, np.stack((u, v), axis=-1), atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_points_at_or_beyond_the_far_distance_and_behind_the_camera_are_not_visible(
    dtype: type[np.floating[Any]],
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
