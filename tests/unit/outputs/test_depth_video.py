import resource
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.videos import panning, write_video
from vizion3d.core.arrays import Float32Array
from vizion3d.errors import InvalidConfigError
from vizion3d.media.video import Video
from vizion3d.outputs.depth_files import color_table
from vizion3d.outputs.depth_video import DepthVideo, RunningRange, colorize_between

RAMP = np.tile(np.linspace(0, 1, 96, dtype=np.float32), (64, 1))


def shown(path: Path) -> list[np.ndarray]:
    with av.open(path) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def write_depths(path: Path, original: Path, depths: list[Float32Array], **options: Any) -> None:
    with Video(original) as video, DepthVideo(path, video, **options) as target:
        for depth, (_, time_s) in zip(depths, video.timed(), strict=True):
            target.write(depth, time_s)


@pytest.fixture
def panned(tmp_path: Path) -> Path:
    return write_video(tmp_path / "in.mp4", panning(10), sound_s=1.0)


def test_the_depth_video_has_the_colours_times_and_sound(panned: Path, tmp_path: Path) -> None:
    out = tmp_path / "out" / "depth.mp4"
    write_depths(out, panned, [RAMP] * 10)
    pictures = shown(out)
    assert len(pictures) == 10
    expected = colorize_between(RAMP, 0.0, 1.0, color_table("inferno"))
    assert np.abs(pictures[5].astype(int) - expected).mean() < 6
    with av.open(out) as container, av.open(panned) as original:
        assert [f.time for f in container.decode(video=0)] == [n / 10 for n in range(10)]
        container.seek(0)
        heard = np.concatenate([f.to_ndarray()[0] for f in container.decode(audio=0)])
        there = np.concatenate([f.to_ndarray()[0] for f in original.decode(audio=0)])
        assert np.array_equal(heard, there)
        assert np.abs(heard).max() > 0.9
    assert [p.name for p in out.parent.iterdir()] == ["depth.mp4"]


def test_uneven_times_and_odd_sides_are_kept(tmp_path: Path) -> None:
    times_ms = [0, 40, 240, 250, 900]
    original = write_video(tmp_path / "in.mkv", panning(5, 64, 96), times_ms)
    out = tmp_path / "depth.mkv"
    write_depths(out, original, [RAMP[:63, :95]] * 5)
    assert shown(out)[0].shape == (64, 96, 3)
    with av.open(out) as container:
        assert [round(1000 * f.time) for f in container.decode(video=0)] == times_ms


def test_webm_is_written_and_sound_that_does_not_fit_is_told(
    panned: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_depths(tmp_path / "depth.webm", panned, [RAMP] * 10)
    assert len(shown(tmp_path / "depth.webm")) == 10
    assert "(aac) does not fit into webm files and is left out; .mkv takes it" in caplog.text


def test_a_fixed_range_holds_for_every_frame(panned: Path, tmp_path: Path) -> None:
    out = tmp_path / "depth.mkv"
    write_depths(out, panned, [RAMP * n for n in range(10)], depth_range=(0, 10), color_map="gray")
    means = [picture.mean() for picture in shown(out)]
    assert means == pytest.approx([255 * n / 20 for n in range(10)], abs=3)


def test_after_an_error_there_is_no_file(panned: Path, tmp_path: Path) -> None:
    out = tmp_path / "out" / "depth.mp4"
    target = DepthVideo(out, Video(panned))

    def write_and_fail() -> None:
        with target:
            target.write(RAMP, Fraction(0))
            raise OSError("enough")

    with pytest.raises(OSError, match="enough"):
        write_and_fail()
    assert list(out.parent.iterdir()) == []


@pytest.mark.parametrize("full_at_bytes", [0, 1000, 2500])
def test_a_video_that_could_not_be_written_whole_is_not_published(
    tmp_path: Path, full_at_bytes: int
) -> None:
    original = write_video(tmp_path / "in.mp4", panning(30))
    out = tmp_path / "out" / "depth.mp4"

    def write_until_full() -> None:
        with Video(original) as video, DepthVideo(out, video) as target:
            for _, time_s in video.timed():
                target.write(RAMP, time_s)
            # The encoder still holds most frames: what fails from here on fails on leaving.
            resource.setrlimit(resource.RLIMIT_FSIZE, (full_at_bytes, allowed[1]))

    allowed = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with pytest.raises(OSError, match="File too large"):
            write_until_full()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, allowed)
    assert list(out.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("depth.gif", {}, r"a depth video ends in \.mp4"),
        ("depth.mp4", {"depth_range": (1.0, 1.0)}, "range .* is empty"),
        ("depth.mp4", {"color_map": "no-such"}, "there is no colour map"),
    ],
)
def test_parameters_that_make_no_sense(
    panned: Path, tmp_path: Path, name: str, options: dict[str, Any], told: str
) -> None:
    with Video(panned) as video, pytest.raises(InvalidConfigError, match=told):
        DepthVideo(tmp_path / name, video, **options)


def test_the_running_range_makes_up_for_a_step_slowly() -> None:
    running = RunningRange(settling_s=1.0)
    assert running.follow(1.0, 3.0, 0.0) == (1.0, 3.0)
    assert running.follow(2.0, 5.0, 0.0) == (1.0, 3.0)
    low, high = running.follow(2.0, 5.0, 1.0)
    assert low == pytest.approx(1 + (1 - np.exp(-1)))
    assert high == pytest.approx(3 + 2 * (1 - np.exp(-1)))


@given(
    st.lists(st.tuples(st.floats(-100, 100), st.floats(0, 100), st.floats(0, 10)), min_size=1),
)
def test_the_running_range_stays_within_what_was_seen(
    seen: list[tuple[float, float, float]],
) -> None:
    running, now = RunningRange(), 0.0
    for low, extent, step_s in seen:
        now += step_s
        followed_low, followed_high = running.follow(low, low + extent, now)
        assert followed_low <= followed_high + 1e-9
    assert min(low for low, _, _ in seen) - 1e-9 <= followed_low
    assert followed_high <= max(low + extent for low, extent, _ in seen) + 1e-9


def test_a_frame_without_contrast_has_one_colour() -> None:
    table = color_table("gray")
    assert colorize_between(np.ones((2, 2), np.float32), 1.0, 1.0, table).max() == 0
    beyond = colorize_between(np.array([[-5.0, 5.0]], np.float32), 0.0, 1.0, table)
    assert beyond[0, :, 0].tolist() == [0, 255]
