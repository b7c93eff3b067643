import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.geometry import cameras, planarity, plane_depth
from vizion3d.geometry.cameras import CameraIntrinsics
from vizion3d.geometry.depth import (
    depth_to_metres,
    inverse_depth_to_metres,
    scale_depth_to_metres,
    scale_inverse_depth,
)
from vizion3d.geometry.projection import unproject, visible


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


def test_a_range_that_is_given_holds_for_what_lies_beyond_it_too() -> None:
    inverse = np.array([[1.0, 2.0, 4.0, 6.0]])
    metres = inverse_depth_to_metres(inverse, 1.0, 4.0, limits=(2.0, 4.0))
    assert metres == pytest.approx(np.array([[4.0, 4.0, 1.0, 1 / 1.75]]))
    without_contrast = inverse_depth_to_metres(inverse, 1.0, 4.0, limits=(2.0, 2.0))
    np.testing.assert_array_equal(without_contrast, inverse_depth_to_metres(inverse, 1.0, 4.0))


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


def test_depth_up_to_scale_keeps_its_proportions_and_ends_at_the_far_distance() -> None:
    depth = np.array([[1.0, 2.0], [4.0, 8.0]], np.float32)
    found = depth_to_metres(depth, "up_to_scale", 0.5, 10.0)
    np.testing.assert_allclose(found, [[1.25, 2.5], [5.0, 10.0]])
    assert found.dtype == np.float32
    assert not scale_depth_to_metres(np.zeros((2, 2), np.float32), 10.0).any()
