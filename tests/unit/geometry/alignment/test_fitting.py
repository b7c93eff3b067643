from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage import data

from vizion3d.errors import InvalidConfigError
from vizion3d.geometry.alignment import Alignment, Knowledge, align
from vizion3d.geometry.cameras import CameraIntrinsics
from vizion3d.geometry.projection import unproject

Array = NDArray[np.float64]

WIDTH, HEIGHT = 120, 80
CAMERA = CameraIntrinsics(110.0, 112.0, 58.0, 41.0, WIDTH, HEIGHT)
SEEDS = st.integers(0, 2**32 - 1)


def scene(seed: int) -> Array:
    """Depth in metres of a random scene: tilted planes from 0.5 m to 20 m, side by side."""
    rng = np.random.default_rng(seed)
    u, v = np.meshgrid(np.linspace(-1, 1, WIDTH), np.linspace(-1, 1, HEIGHT))
    depths = rng.permutation(np.array([0.5, 1, 2, 3, 5, 10, 20]) * rng.uniform(0.9, 1.1, 7))
    inverse = np.empty((HEIGHT, WIDTH))
    for part, metres in zip(np.array_split(np.arange(WIDTH), 7), depths, strict=True):
        across, down = rng.uniform(-0.2, 0.2, 2)
        inverse[:, part] = (1 + across * u[:, part] + down * v[:, part]) / metres
    return np.asarray(1 / inverse)


def points_of(depth_m: Array, pixels: NDArray[np.int64]) -> Array:
    return np.column_stack((pixels, depth_m[pixels[:, 1], pixels[:, 0]]))


def random_pixels(rng: np.random.Generator, count: int) -> NDArray[np.int64]:
    return np.column_stack((rng.integers(0, WIDTH, count), rng.integers(0, HEIGHT, count)))


def relative_error(alignment: Alignment, raw: Array, depth_m: Array) -> float:
    return float(np.abs(alignment.apply(raw) / depth_m - 1).max())


@settings(deadline=None)
@given(SEEDS, st.floats(1e-3, 1e3), st.floats(-100, 100))
def test_three_points_undo_any_affine_distortion_of_inverse_depth(
    seed: int, scale: float, shift: float
) -> None:
    depth_m = scene(seed)
    raw = scale / depth_m + shift * scale
    points = points_of(depth_m, random_pixels(np.random.default_rng(seed), 3))
    assume(points[:, 2].max() > 1.2 * points[:, 2].min())
    found = align(raw, Knowledge(points), "inverse_depth")
    assert relative_error(found, raw, depth_m) < 1e-6
    assert found.scale == pytest.approx(1 / scale)
    assert found.shift == pytest.approx(-shift, abs=1e-6)
    assert found.fixed == ("scale", "shift")
    assert found.assumed == ()


@settings(deadline=None)
@given(SEEDS, st.floats(1e-3, 1e3), st.floats(0, 100))
def test_the_same_for_depth_that_is_affine_itself(seed: int, scale: float, shift: float) -> None:
    depth_m = scene(seed)
    raw = scale * depth_m + shift
    points = points_of(depth_m, random_pixels(np.random.default_rng(seed), 3))
    assume(points[:, 2].max() > 1.2 * points[:, 2].min())
    found = align(raw, Knowledge(points), "depth")
    assert relative_error(found, raw, depth_m) < 1e-6


def test_the_fit_in_the_wrong_space_bends_the_world() -> None:
    """A plane whose inverse depth is distorted comes back flat from the right space only."""
    u, v = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    inverse = 0.3 + 0.2 * (u - CAMERA.cx) / CAMERA.fx + 0.25 * (v - CAMERA.cy) / CAMERA.fy
    depth_m, raw = 1 / inverse, 5 * inverse + 2
    known = Knowledge(sparse_depth_m=depth_m)

    def flatness(found: Alignment, values: Array) -> float:
        points = unproject(found.apply(values), CAMERA).reshape(-1, 3).astype(np.float64)
        centred = points - points.mean(0)
        normal = np.linalg.svd(centred, full_matrices=False)[2][-1]
        return float(np.abs(centred @ normal).max())

    right = align(raw, known, "inverse_depth")
    wrong = align(-raw, known, "depth")
    assert flatness(right, raw) < 1e-5
    assert flatness(wrong, -raw) > 0.1
    assert right.residuals.rms_percent < 1e-4
    assert wrong.residuals.rms_percent > 2


@settings(deadline=None)
@given(SEEDS, st.integers(10, 200))
def test_three_in_ten_gross_errors_cost_less_than_one_per_cent(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    depth_m = scene(seed)
    points = points_of(depth_m, random_pixels(rng, count))
    good = points[: count - round(0.3 * count)]
    wrong = points[len(good) :]
    wrong[:, 2] *= np.exp(rng.choice([-1, 1], len(wrong)) * rng.uniform(0.7, 3, len(wrong)))
    raw = 3 / depth_m + 0.7
    found = align(raw, Knowledge(points), "inverse_depth")
    assert relative_error(found, raw, depth_m) < 0.01
    assert found.inliers >= len(good)


def test_noise_of_the_network_and_gross_errors_together() -> None:
    rng = np.random.default_rng(5)
    depth_m = scene(5)
    raw = 3 / depth_m * rng.normal(1, 0.02, depth_m.shape) + 0.7
    sparse = np.where(rng.random(depth_m.shape) < 0.5, depth_m, 0)
    sparse[rng.random(depth_m.shape) < 0.3] = rng.uniform(0.3, 60)
    found = align(raw, Knowledge(sparse_depth_m=sparse), "inverse_depth")
    assert found.scale == pytest.approx(1 / 3, rel=0.01)
    assert found.shift == pytest.approx(-0.7 / 3, rel=0.01)


@pytest.mark.slow
@settings(deadline=None)
@given(SEEDS, st.sampled_from(["inverse_depth", "depth"]))
def test_distances_between_pixels_suffice(seed: int, space: Any) -> None:
    rng = np.random.default_rng(seed)
    depth_m = scene(seed)
    raw = 3 / depth_m + 0.7 if space == "inverse_depth" else 3 * depth_m + 0.7
    ends = np.column_stack((random_pixels(rng, 6), random_pixels(rng, 6)))
    points = unproject(depth_m, CAMERA)
    first, second = points[ends[:, 1], ends[:, 0]], points[ends[:, 3], ends[:, 2]]
    metres = np.linalg.norm(first - second, axis=1)
    assume((metres > 0.1).all())
    found = align(raw, Knowledge(distances=np.column_stack((ends, metres))), space, CAMERA)
    assume(found.fixed == ("scale", "shift"))
    assert relative_error(found, raw, depth_m) < 1e-4


def test_a_point_and_a_distance_go_together() -> None:
    depth_m = scene(3)
    raw = 3 / depth_m + 0.7
    points = unproject(depth_m, CAMERA)
    near, far = (divmod(int(i), depth_m.shape[1]) for i in (depth_m.argmin(), depth_m.argmax()))
    metres = float(np.linalg.norm(points[near] - points[far]))
    known = Knowledge(
        points=[(near[1], near[0], depth_m[near])],
        distances=[(near[1], near[0], far[1], far[0], metres)],
    )
    found = align(raw, known, "inverse_depth", CAMERA)
    assert relative_error(found, raw, depth_m) < 1e-6
    assert (found.known, found.inliers) == (2, 2)
    assert found.residuals.rms_percent < 1e-6


def street(height_m: float, pitch_deg: float) -> tuple[Array, NDArray[np.bool_]]:
    """Depth of a ground and of a wall 8 m ahead, from a camera that looks down by that much."""
    v = np.broadcast_to(np.arange(HEIGHT)[:, None], (HEIGHT, WIDTH))
    y = (v - CAMERA.cy) / CAMERA.fy
    pitch = np.radians(pitch_deg)
    down = y * np.cos(pitch) - np.sin(pitch)
    forward = y * np.sin(pitch) + np.cos(pitch)
    inverse = np.maximum(down / height_m, forward / 8)
    return 1 / inverse, down / height_m > forward / 8


@pytest.mark.parametrize("pitch_deg", [0.0, -10.0, 3.0])
@pytest.mark.parametrize("space", ["inverse_depth", "depth"])
def test_height_and_pitch_of_the_camera_fix_both(pitch_deg: float, space: Any) -> None:
    depth_m, _ = street(1.4, pitch_deg)
    raw = 3 / depth_m + (0.7 if space == "inverse_depth" else 0)
    raw = raw if space == "inverse_depth" else 1 / raw
    known = Knowledge(camera_height_m=1.4, camera_pitch_deg=pitch_deg)
    found = align(raw, known, space, CAMERA)
    assert found.fixed == ("scale", "shift")
    assert relative_error(found, raw, depth_m) < 1e-3


def test_height_alone_fixes_the_scale() -> None:
    depth_m, _ = street(1.4, -10)
    raw = 3 / depth_m
    found = align(raw, Knowledge(camera_height_m=1.4), "inverse_depth", CAMERA)
    assert found.fixed == ("scale",)
    assert found.assumed == ("shift",)
    assert relative_error(found, raw, depth_m) < 1e-3
    assert "shift is not determined" in found.describe()


def test_height_and_a_point_far_away_fix_both() -> None:
    depth_m, ground = street(1.4, -10)
    raw = 3 / depth_m + 0.7
    v, u = np.argwhere(~ground)[0]
    known = Knowledge(points=[(u, v, depth_m[v, u])], camera_height_m=1.4)
    found = align(raw, known, "inverse_depth", CAMERA)
    assert found.fixed == ("scale", "shift")
    assert relative_error(found, raw, depth_m) < 1e-2


def test_a_plane_of_known_distance() -> None:
    depth_m, ground = street(1.4, 0)
    assert not ground[:40].any()
    raw = 2.5 * depth_m
    known = Knowledge(planes=[(5, 5, 100, 35, 8.0)])
    found = align(raw, known, "depth", CAMERA, with_shift=False)
    assert relative_error(found, raw, depth_m) < 1e-6
    assert found.fixed == ("scale",)
    assert found.assumed == ()
    assert "assumed" not in found.describe()


def test_metric_depth_gets_a_factor_and_no_shift() -> None:
    depth_m = scene(1)
    points = points_of(depth_m, random_pixels(np.random.default_rng(1), 5))
    found = align(depth_m / 1.3, Knowledge(points), "depth", with_shift=False)
    assert found.scale == pytest.approx(1.3)
    assert found.shift == 0


@pytest.mark.parametrize("space", ["inverse_depth", "depth"])
def test_one_point_fixes_the_scale_and_says_what_it_cannot(space: Any) -> None:
    depth_m = scene(2)
    raw = 3 / depth_m + 0.5 if space == "inverse_depth" else 3 * depth_m + 0.5
    found = align(raw, Knowledge([(10, 20, depth_m[20, 10])]), space)
    assert found.apply(raw)[20, 10] == pytest.approx(depth_m[20, 10])
    assert found.shift == 0
    assert (found.fixed, found.assumed) == (("scale",), ("shift",))
    deviation = found.uncertainty(found.apply(raw))
    # Certain to a per cent where it is known, and the less the farther from that depth.
    assert deviation[20, 10] == pytest.approx(0.01 * depth_m[20, 10], rel=0.01)
    assert deviation.max() > 10 * deviation[20, 10]


def test_points_at_one_depth_fix_the_scale_only() -> None:
    depth_m = scene(4)
    raw = 3 / depth_m + 0.5
    rng = np.random.default_rng(0)
    pixels = np.argwhere(np.abs(depth_m / depth_m[40, 60] - 1) < 0.01)[:, ::-1]
    points = points_of(depth_m, rng.permutation(pixels)[:5])
    points[:, 2] *= rng.uniform(0.99, 1.01, 5)  # a ruler's error, as large as their difference
    found = align(raw, Knowledge(points), "inverse_depth")
    assert found.assumed == ("shift",)


def test_a_negative_output_gets_positive_depths_from_one_point() -> None:
    depth_m = scene(2)
    raw = 3 / depth_m - 5
    found = align(raw, Knowledge([(10, 20, depth_m[20, 10])]), "inverse_depth")
    assert (found.apply(raw) > 0).all()
    assert found.apply(raw)[20, 10] == pytest.approx(depth_m[20, 10])


@pytest.mark.slow
@settings(deadline=None)
@given(SEEDS)
def test_depth_stays_positive_and_rises_where_the_network_says_farther(seed: int) -> None:
    rng = np.random.default_rng(seed)
    depth_m = scene(seed)
    raw = 3 / depth_m + 0.7
    points = points_of(depth_m, random_pixels(rng, 4))
    points[:, 2] *= np.exp(rng.normal(0, 0.3, 4))
    try:
        found = align(raw, Knowledge(points), "inverse_depth")
    except InvalidConfigError:
        return  # contradictory, and told so
    fitted = found.apply(raw)
    assert np.isfinite(fitted).all()
    assert (fitted > 0).all()
    order = np.argsort(raw.ravel())
    assert (np.diff(fitted.ravel()[order]) <= 1e-3 * fitted.max()).all()


def test_a_fit_that_would_put_the_sky_behind_the_camera_is_held_back() -> None:
    raw = np.linspace(0, 1, WIDTH * HEIGHT).reshape(HEIGHT, WIDTH)
    inverse = raw - 0.05
    pixels = np.array([(10, 20), (60, 40), (100, 70)])
    metres = 1 / inverse[pixels[:, 1], pixels[:, 0]]
    found = align(raw, Knowledge(np.column_stack((pixels, metres))), "inverse_depth")
    fitted = found.apply(raw)
    assert found.bounded
    assert (fitted > 0).all()
    assert fitted.max() == pytest.approx(1e4, rel=1e-3)
    assert "beyond infinity" in found.describe()
    assert found.residuals.median_percent < 10


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ([(0, 0, 1.0), (119, 79, 5.0)], "closer pixels are farther"),
        ([(60, 40, 1.0), (60, 40, 9.0)], "far from any fit"),
    ],
)
def test_contradictory_knowledge_is_an_error_with_the_residuals(points: Any, said: str) -> None:
    raw = np.linspace(1, 2, WIDTH * HEIGHT).reshape(HEIGHT, WIDTH)
    with pytest.raises(InvalidConfigError, match=said) as error:
        align(raw, Knowledge(points), "inverse_depth")
    assert "known 1 m, fitted" in str(error.value)


def test_without_any_knowledge() -> None:
    with pytest.raises(InvalidConfigError, match="nothing is known"):
        align(np.ones((4, 4)), Knowledge(), "inverse_depth")


def test_a_ground_that_is_not_in_the_image() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(InvalidConfigError, match="no ground was found"):
        align(rng.random((80, 120)), Knowledge(camera_height_m=1), "inverse_depth", CAMERA)


def test_a_constant_image_takes_the_depth_of_a_point() -> None:
    raw = np.full((HEIGHT, WIDTH), 3.0, np.float32)
    found = align(raw, Knowledge([(3, 4, 2.5)]), "inverse_depth")
    assert found.apply(raw) == pytest.approx(2.5)


def test_weights_decide_between_equals() -> None:
    raw = np.full((HEIGHT, WIDTH), 3.0)
    known = Knowledge([(3, 4, 2.0, 1e-6), (5, 6, 2.2, 1.0), (7, 8, 2.2, 1.0)])
    assert align(raw, known, "depth", with_shift=False).scale == pytest.approx(2.2 / 3, rel=1e-4)


def test_the_same_knowledge_gives_the_same_numbers() -> None:
    rng = np.random.default_rng(7)
    depth_m = scene(7)
    raw = 3 / depth_m * rng.normal(1, 0.05, depth_m.shape) + 0.7
    known = Knowledge(sparse_depth_m=depth_m)
    first, second = (align(raw, known, "inverse_depth") for _ in range(2))
    assert (first.scale, first.shift) == (second.scale, second.shift)


@pytest.mark.slow
def test_the_covariance_is_what_repeating_the_measurement_shows() -> None:
    depth_m = scene(11)
    raw = 3 / depth_m + 0.7
    rng = np.random.default_rng(11)
    points = points_of(depth_m, random_pixels(rng, 60))
    middle = np.median(1 / points[:, 2])
    found, told = [], []
    for _ in range(200):
        inverse = 1 / points[:, 2]
        noisy = inverse + rng.normal(0, 0.03, len(points)) * (inverse + middle) / 2
        known = Knowledge(np.column_stack((points[:, :2], 1 / noisy)))
        fit = align(raw, known, "inverse_depth")
        found.append(fit.apply(raw)[::20, ::20])
        told.append(fit.uncertainty(fit.apply(raw))[::20, ::20])
    measured = np.std(found, axis=0)
    np.testing.assert_allclose(np.mean(told, axis=0) / measured, 1, atol=0.25)


def test_least_squares_of_another_hand_agrees_on_clean_data() -> None:
    """NumPy's polynomial fit, with the same weights, where no value is far off."""
    rng = np.random.default_rng(3)
    depth_m = scene(3)
    inverse = 1 / depth_m
    raw = 3 * inverse + 0.7 + rng.uniform(-1e-4, 1e-4, depth_m.shape)
    found = align(raw, Knowledge(sparse_depth_m=depth_m), "inverse_depth")
    weights = 2 / (inverse + np.median(inverse))
    slope, offset = np.polyfit(raw.ravel(), inverse.ravel(), 1, w=weights.ravel())
    assert found.scale == pytest.approx(slope, rel=1e-5)
    assert found.shift == pytest.approx(offset, rel=1e-4)


def test_motorcycle_is_undistorted_from_twenty_points() -> None:
    """Measured disparity, distorted affinely, with a tenth of the points taken wrong."""
    disparity_px = data.stereo_motorcycle()[2].astype(np.float64)
    measured = np.isfinite(disparity_px)
    inverse = (np.where(measured, disparity_px, 0) + 31.086) / (994.978 * 0.193001)
    raw = 7.3 * inverse + 2.1
    rng = np.random.default_rng(0)
    pixels = rng.permutation(np.argwhere(measured))[:20, ::-1]
    points = points_of(1 / inverse, pixels)
    points[:2, 2] *= 1.8
    found = align(raw, Knowledge(points), "inverse_depth")
    np.testing.assert_allclose(found.apply(raw)[measured], 1 / inverse[measured], rtol=1e-6)
    assert found.inliers == 18
