import cv2
import numpy as np
import pytest

from tests.support import stereo_scenes as scenes
from vizion3d.errors import InvalidImageError
from vizion3d.geometry import rectification
from vizion3d.geometry.calibration import CalibratedCamera, from_extrinsics
from vizion3d.geometry.rectification import align_rows, match_features, rectify, row_offsets
from vizion3d.stereo import StereoDepth, StereoDepthAdvancedConfig, StereoDepthCommand
from vizion3d.stereo.photometry import gray_levels

WIDTH, HEIGHT = 320, 240


def matches_of(left: np.ndarray, right: np.ndarray) -> rectification.SparseMatches:
    return match_features(gray_levels(left), gray_levels(right))


def turned(image: np.ndarray, angles: tuple[float, float, float], focal: float) -> np.ndarray:
    """What the camera sees once it is turned by these angles (radians)."""
    k = scenes.camera(WIDTH, HEIGHT, focal).matrix()
    turn = k @ cv2.Rodrigues(np.array(angles))[0] @ np.linalg.inv(k)
    return cv2.warpPerspective(image, turn, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT)


def test_a_rectified_pair_has_equal_rows() -> None:
    pair = scenes.render_pair(scenes.TWO)
    offsets = row_offsets(matches_of(pair.left, pair.right), HEIGHT)
    assert offsets is not None
    assert abs(offsets.median_px) < 0.1
    assert offsets.typical_px < 0.5


def test_a_shift_is_measured_with_its_sign() -> None:
    pair = scenes.render_pair(scenes.TWO)
    lower = np.roll(pair.left, 4, axis=0)
    offsets = row_offsets(matches_of(lower, pair.right), HEIGHT)
    assert offsets is not None
    assert offsets.median_px == pytest.approx(4, abs=0.2)


def test_plain_images_say_nothing() -> None:
    plain = np.full((HEIGHT, WIDTH), 90, np.uint8)
    assert row_offsets(match_features(plain, plain), HEIGHT) is None


def test_rows_are_made_equal_by_turning_the_right_image() -> None:
    pair = scenes.render_pair(scenes.TWO)
    askew = turned(pair.right, (0.012, 0.0, 0.02), 400.0)
    before = row_offsets(matches_of(pair.left, askew), HEIGHT)
    aligned = align_rows(matches_of(pair.left, askew), 400.0, WIDTH, HEIGHT)
    after = row_offsets(matches_of(pair.left, aligned.apply(askew)), HEIGHT)
    assert before is not None
    assert after is not None
    assert before.typical_px > 3
    assert after.typical_px < 0.7
    assert aligned.angles_deg[2] == pytest.approx(-np.degrees(0.02), abs=0.3)
    assert aligned.scale == pytest.approx(1, abs=0.01)


def test_what_no_turn_mends_is_refused() -> None:
    random = np.random.default_rng(0)
    points = random.uniform(0, 200, (200, 2)).astype(np.float32)
    moved = points + random.uniform(-4.5, 4.5, (200, 2)).astype(np.float32)
    with pytest.raises(InvalidImageError, match=r"stay .* px apart"):
        align_rows(rectification.SparseMatches(points, moved, 200), 400.0, WIDTH, HEIGHT)
    with pytest.raises(InvalidImageError, match="only 3 points"):
        align_rows(rectification.SparseMatches(points[:3], points[:3], 3), 400.0, WIDTH, HEIGHT)


def test_a_turned_pair_is_measured_with_auto_and_told_without() -> None:
    pair = scenes.render_pair(scenes.SLANTED)
    askew = turned(pair.right, (0.01, 0.0, 0.01), 400.0)

    def run(rectify_how: str) -> object:
        config = pair.config.model_copy(update={"rectify": rectify_how})
        return StereoDepth().run(
            StereoDepthCommand(pair.left, askew, return_depth_image=False, advanced_config=config)
        )

    told = run("calibration")
    assert "the pair is not rectified" in told.notes[0]  # type: ignore[attr-defined]
    mended = run("auto")
    assert "metres hold only roughly" in mended.notes[0]  # type: ignore[attr-defined]
    unasked = run("off").notes  # type: ignore[attr-defined]
    assert not any("rectified" in note or "metres" in note for note in unasked)
    seen = mended.valid & pair.seen_by_both  # type: ignore[attr-defined]
    assert seen.sum() > 0.85 * pair.seen_by_both.sum()
    error = np.abs(mended.depth_m / pair.depth_m - 1)[seen]  # type: ignore[attr-defined]
    assert np.median(error) < 0.05


def distorting_calibration() -> tuple[CalibratedCamera, np.ndarray]:
    k = scenes.camera(WIDTH, HEIGHT, 400.0).matrix()
    lens = np.array([-0.08, 0.02, 0.0, 0.0, 0.0])
    return CalibratedCamera(k, lens, False, WIDTH, HEIGHT), k


def distorted(image: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """The photo of a camera with that lens, turned so against the ideal one that took ``image``."""
    camera, k = distorting_calibration()
    u, v = np.meshgrid(np.arange(WIDTH, dtype=np.float32), np.arange(HEIGHT, dtype=np.float32))
    points = np.stack([u, v], axis=-1).reshape(-1, 1, 2)
    rays = cv2.undistortPoints(points, camera.matrix, camera.lens).reshape(-1, 2)
    ideal = np.column_stack([rays, np.ones(len(rays))]) @ rotation @ k.T
    x, y = (
        (ideal[:, :2] / ideal[:, 2:])
        .astype(np.float32)
        .reshape(HEIGHT, WIDTH, 2)
        .transpose(2, 0, 1)
    )
    return np.asarray(cv2.remap(image, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT))


def test_a_calibration_with_lenses_and_a_turn_gives_true_metres() -> None:
    pair = scenes.render_pair(scenes.FRONT)
    rotation = cv2.Rodrigues(np.array([0.02, 0.01, -0.015]))[0].astype(np.float64)
    left, right = distorted(pair.left, np.eye(3)), distorted(pair.right, rotation)
    camera, _ = distorting_calibration()
    # A point X of the left camera is R (X - C) in the right one, which stands at C.
    shift = -rotation @ np.array([scenes.BASELINE_MM, 0, 0])
    calibration = from_extrinsics(camera, camera, rotation, shift, "rig")
    assert calibration.needs_rectification
    config = StereoDepthAdvancedConfig.from_calibration(calibration, frame="opencv")
    result = StereoDepth().run(
        StereoDepthCommand(left, right, return_depth_image=False, advanced_config=config)
    )
    assert result.notes == ()
    assert result.valid is not None
    assert result.valid.mean() > 0.75
    # The wall is 1.5 m away along the left camera's axis; the rectified one looks a little aside.
    y, x = np.nonzero(result.valid)
    k = result.intrinsics
    assert k is not None
    z = result.depth_m[y, x]
    points = np.column_stack([(x - k.cx) / k.fx * z, (y - k.cy) / k.fy * z, z])
    assert calibration.left.rotation is not None
    along_axis = points @ calibration.left.rotation[:, 2]
    assert np.median(np.abs(along_axis / 1.5 - 1)) < 0.004


def test_maps_are_kept_by_the_numbers_of_the_calibration() -> None:
    camera, _ = distorting_calibration()
    image = scenes.texture(1)[:HEIGHT, :WIDTH].copy()
    rectification._maps.cache_clear()
    for _ in range(3):
        calibration = from_extrinsics(camera, camera, np.eye(3), np.array([-100.0, 0, 0]), "rig")
        rectify(image, image, calibration)
    assert rectification._maps.cache_info().misses == 1
