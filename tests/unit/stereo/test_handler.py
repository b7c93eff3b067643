import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.support import stereo_scenes as scenes
from vizion3d.core.scope import Scope, within
from vizion3d.errors import CheckpointError, DeadlineExceededError, InvalidImageError
from vizion3d.settings import Settings
from vizion3d.stereo import (
    StereoDepth,
    StereoDepthAdvancedConfig,
    StereoDepthCommand,
    StereoDepthResult,
)


def measure(pair: scenes.Pair, **changes: object) -> StereoDepthResult:
    config = pair.config.model_copy(update=changes)
    command = StereoDepthCommand(
        pair.left, pair.right, return_depth_image=False, advanced_config=config
    )
    return StereoDepth().run(command)


def relative_error(result: StereoDepthResult, pair: scenes.Pair) -> np.ndarray:
    assert result.valid is not None
    return np.abs(result.depth_m / pair.depth_m - 1)[result.valid & pair.seen_by_both]


@pytest.mark.parametrize("planes", [scenes.FRONT, scenes.SLANTED, scenes.FLOOR])
def test_depth_of_a_plane_is_right_within_half_a_percent(planes: tuple[scenes.Plane, ...]) -> None:
    pair = scenes.render_pair(planes)
    result = measure(pair)
    error = relative_error(result, pair)
    assert np.median(error) < 0.0025
    assert (error < 0.005).mean() > 0.985
    assert result.valid is not None
    assert result.valid[pair.seen_by_both].mean() > 0.98
    assert result.valid[~pair.seen_by_both].mean() < 0.02


def test_an_object_before_a_wall_hides_part_of_it_and_that_is_told() -> None:
    pair = scenes.render_pair(scenes.TWO)
    result = measure(pair)
    error = relative_error(result, pair)
    assert (error < 0.005).mean() > 0.98
    assert result.valid is not None
    assert result.occluded is not None
    assert result.valid[pair.seen_by_both].mean() > 0.97
    assert result.occluded[~pair.seen_by_both].mean() > 0.9
    assert result.occluded[pair.seen_by_both].mean() < 0.02


def test_the_cloud_of_a_slanted_plane_is_planar() -> None:
    pair = scenes.render_pair(scenes.SLANTED)
    command = StereoDepthCommand(
        pair.left, pair.right, return_point_cloud=True, advanced_config=pair.config
    )
    result = StereoDepth().run(command)
    assert result.point_cloud is not None
    points = np.asarray(result.point_cloud.points)
    assert len(points) > 0.8 * pair.depth_m.size
    centred = points - np.median(points, axis=0)
    middle = centred[np.abs(centred).max(axis=1) < 0.5 * np.abs(centred).max()]
    normal = np.linalg.svd(middle, full_matrices=False)[2][-1]
    assert np.quantile(np.abs(centred @ normal), 0.95) < 0.01


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(
    distance_m=st.floats(0.9, 4.0),
    slope_x=st.floats(-0.4, 0.4),
    slope_y=st.floats(-0.4, 0.4),
    seed=st.integers(10, 10_000),
)
def test_any_plane_in_view_is_measured(
    distance_m: float, slope_x: float, slope_y: float, seed: int
) -> None:
    plane = scenes.Plane((slope_x, slope_y, 1), distance_m, seed)
    pair = scenes.render_pair([plane], scenes.camera(240, 180, 300.0))
    result = measure(pair)
    assert result.valid is not None
    shift_error = np.abs(result.disparity - pair.disparity)[result.valid & pair.seen_by_both]
    assert np.median(shift_error) < 0.1
    assert np.quantile(shift_error, 0.98) < 0.5
    assert result.valid[pair.seen_by_both].mean() > 0.9


def test_a_real_pair_is_matched_well() -> None:
    scene = scenes.motorcycle()
    config = scene.config.model_copy(update={"fill": True})
    result = StereoDepth().run(
        StereoDepthCommand(
            scene.left, scene.right, return_depth_image=False, advanced_config=config
        )
    )
    assert result.valid is not None
    assert result.filled is not None
    error = np.abs(result.disparity - scene.disparity)
    valid = result.valid & scene.known
    assert (error > 2)[scene.known].mean() <= 0.06
    assert (error > 2)[valid].mean() <= 0.035
    assert valid.sum() / scene.known.sum() >= 0.88
    closeness = scene.disparity[valid] + config.doffs
    truth_m = config.focal_length * config.baseline / 1000 / closeness
    assert np.median(np.abs(result.depth_m[valid] / truth_m - 1)) <= 0.01
    assert not (result.valid & result.filled).any()
    assert (result.valid | result.filled).all()


def test_another_exposure_of_the_right_photo_costs_little() -> None:
    scene = scenes.motorcycle()
    darker = np.rint(255 * 0.8 * (scene.right / 255.0) ** 0.7).astype(np.uint8)

    def density(right: np.ndarray) -> float:
        command = StereoDepthCommand(
            scene.left, right, return_depth_image=False, advanced_config=scene.config
        )
        result = StereoDepth().run(command)
        assert result.valid is not None
        error = np.abs(result.disparity - scene.disparity)
        assert (error > 2)[result.valid & scene.known].mean() < 0.04
        return float(result.valid[scene.known].mean())

    assert density(darker) >= density(scene.right) - 0.05


def test_where_nothing_matches_there_are_zeros_and_no_points() -> None:
    left = np.full((60, 80, 3), 120, np.uint8)
    right = np.full((60, 80, 3), 121, np.uint8)
    result = StereoDepth().run(StereoDepthCommand(left, right, return_point_cloud=True))
    assert result.valid is not None
    assert result.depth_m[~result.valid].sum() == 0
    assert result.disparity[~result.valid].sum() == 0


def test_assumptions_are_told() -> None:
    pair = scenes.render_pair(scenes.FRONT)
    result = StereoDepth().run(StereoDepthCommand(pair.left, pair.right))
    assert len(result.notes) == 2
    assert "focal_length was not given: 1000 px is assumed" in result.notes[0]
    assert "baseline was not given: 100 mm" in result.notes[1]
    assert measure(pair).notes == ()


def test_what_is_returned_follows_the_flags() -> None:
    pair = scenes.render_pair(scenes.FRONT)
    default = StereoDepth().run(
        StereoDepthCommand(pair.left, pair.right, advanced_config=pair.config)
    )
    assert default.depth_image is not None
    assert default.raw_depth is not None
    assert default.point_cloud is None
    pixels = np.asarray(default.depth_image)
    assert pixels.dtype == np.uint16
    nearest = np.where(default.depth_m > 0, default.depth_m, np.inf)
    assert pixels[np.unravel_index(nearest.argmin(), nearest.shape)] == 65535
    assert (pixels[default.depth_m == 0] == 0).all()
    bare = StereoDepth().run(
        StereoDepthCommand(
            pair.left,
            pair.right,
            return_depth_image=False,
            return_raw_depth=False,
            advanced_config=pair.config,
        )
    )
    assert bare.raw_depth is None
    assert bare.depth_image is None
    assert bare.depth_map == default.depth_map


def test_the_cloud_is_in_the_opengl_frame_unless_told() -> None:
    pair = scenes.render_pair(scenes.FRONT)
    result = StereoDepth().run(
        StereoDepthCommand(
            pair.left,
            pair.right,
            return_point_cloud=True,
            advanced_config=StereoDepthAdvancedConfig(
                focal_length=400, cx=159.5, cy=119.5, baseline=100
            ),
        )
    )
    assert result.point_cloud is not None
    assert np.asarray(result.point_cloud.points)[:, 2].max() < -1.4


def test_images_come_in_every_form(tmp_path: Path) -> None:
    pair = scenes.render_pair(scenes.FRONT)
    Image.fromarray(pair.left).save(tmp_path / "left.png")
    buffer = io.BytesIO()
    Image.fromarray(pair.right).save(buffer, "PNG")
    command = StereoDepthCommand(
        tmp_path / "left.png", buffer.getvalue(), advanced_config=pair.config
    )
    assert StereoDepth().run(command) == measure(pair)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda p: (p.left, p.right[:-1]), "320 x 240 pixels, the right one 320 x 239"),
        (lambda p: (p.left, p.left.copy()), "are the same, pixel by pixel"),
        (lambda p: (p.right, p.left), "swapped"),
        (lambda p: (p.left, p.right[:, ::-1].copy()), "mirrored"),
        (lambda p: (p.left, scenes.texture(77)[:240, :320].copy()), "no common scene"),
    ],
)
def test_what_is_no_pair_is_refused(change: object, told: str) -> None:
    left, right = change(scenes.render_pair(scenes.SLANTED))  # type: ignore[operator]
    with pytest.raises(InvalidImageError, match=told):
        StereoDepth().run(StereoDepthCommand(left, right))


def test_images_over_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from vizion3d.app import build_container

    monkeypatch.delenv("VIZION3D_MAX_PIXELS", raising=False)
    bus = build_container(Settings(max_pixels=50)).commands
    small, large = np.zeros((5, 10, 3), np.uint8), np.zeros((6, 10, 3), np.uint8)
    for left, right in ((large, small), (small, large)):
        with pytest.raises(InvalidImageError, match="limit"):
            bus.dispatch(StereoDepthCommand(left, right))


def test_a_depth_checkpoint_matches_no_pairs() -> None:
    pair = scenes.render_pair(scenes.FRONT)
    with pytest.raises(CheckpointError, match="does not match stereo pairs"):
        StereoDepth().run(StereoDepthCommand(pair.left, pair.right, "nano"))


def test_the_old_default_model_is_refused_before_it_is_downloaded() -> None:
    pair = scenes.render_pair(scenes.FRONT)
    url = "https://example.com/essentials-v1/stereo-depth-s2m2-L.pth"
    with pytest.raises(CheckpointError, match=r"non-commercial.*'sgbm'"):
        StereoDepth().run(StereoDepthCommand(pair.left, pair.right, url))


def test_a_deadline_that_has_passed_ends_the_work() -> None:
    pair = scenes.render_pair(scenes.FRONT)
    with within(Scope(0)), pytest.raises(DeadlineExceededError):
        StereoDepth().run(StereoDepthCommand(pair.left, pair.right))


def test_many_pairs() -> None:
    pair = scenes.render_pair(scenes.FRONT)
    commands = [
        StereoDepthCommand(pair.left, right, advanced_config=pair.config)
        for right in (pair.right, pair.left, pair.right)
    ]
    first, second, third = StereoDepth().run_many(commands, on_error="yield")
    assert isinstance(second, InvalidImageError)
    assert first == third == measure(pair)
