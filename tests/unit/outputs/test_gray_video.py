import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.support.videos import panning, write_video
from vizion3d.errors import InvalidConfigError
from vizion3d.media.video import Video
from vizion3d.outputs.gray_video import GrayVideo

RAMP = np.tile(np.linspace(2, 4, 95, dtype=np.float32), (63, 1))


@pytest.fixture
def original(tmp_path: Path) -> Path:
    return write_video(tmp_path / "in.mkv", panning(3, 64, 96), [0, 40, 240])


def read(path: Path) -> list[np.ndarray]:
    """Depth of each frame, as the file beside the video says."""
    told = json.loads(path.with_name(f"{path.name}.json").read_text())["frames"]
    with av.open(path) as container:
        frames = list(container.decode(video=0))
    assert [frame.time for frame in frames] == [frame["time_s"] for frame in told]
    assert {frame.format.name for frame in frames} == {"gray16le"}
    return [
        frame["offset"] + frame["step"] * pixels.to_ndarray().astype(np.float64)
        for frame, pixels in zip(told, frames, strict=True)
    ]


def test_depth_comes_back_to_half_a_step(original: Path, tmp_path: Path) -> None:
    depths = [RAMP, RAMP * 1.1, 10 * RAMP]
    with Video(original) as video, GrayVideo(tmp_path / "out" / "d.mkv", video) as target:
        for number, (depth, (_, time_s)) in enumerate(zip(depths, video.timed(), strict=True)):
            target.write(depth, time_s, new_shot=number == 2)
    for depth, back in zip(depths, read(tmp_path / "out" / "d.mkv"), strict=True):
        assert np.abs(back - depth).max() <= 0.51 * 1.5 * np.ptp(depth) / 65535
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"d.mkv", "d.mkv.json"}


def test_a_given_range_holds_for_every_shot_and_cuts_off(original: Path, tmp_path: Path) -> None:
    with Video(original) as video, GrayVideo(tmp_path / "d.mkv", video, (0.0, 3.0)) as target:
        for number in range(3):
            target.write(RAMP, Fraction(number, 10), new_shot=number == 1)
    for back in read(tmp_path / "d.mkv"):
        assert np.abs(back - RAMP.clip(max=3)).max() <= 0.51 * 3 / 65535


def test_a_flat_frame_has_a_range_too(original: Path, tmp_path: Path) -> None:
    with Video(original) as video, GrayVideo(tmp_path / "d.mkv", video) as target:
        target.write(np.full((8, 8), 5.0, np.float32), Fraction(0))
    (back,) = read(tmp_path / "d.mkv")
    assert np.abs(back - 5).max() < 1e-4


def test_nothing_is_left_of_a_video_that_failed(original: Path, tmp_path: Path) -> None:
    def fail() -> None:
        with Video(original) as video, GrayVideo(tmp_path / "out" / "d.mkv", video) as target:
            target.write(RAMP, Fraction(0))
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk"):
        fail()
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize(
    ("name", "depth_range", "message"),
    [("d.mp4", None, r"ends in \.mkv"), ("d.mkv", (1.0, 1.0), "is empty")],
)
def test_what_cannot_be_written_is_refused(
    original: Path,
    tmp_path: Path,
    name: str,
    depth_range: tuple[float, float] | None,
    message: str,
) -> None:
    with Video(original) as video, pytest.raises(InvalidConfigError, match=message):
        GrayVideo(tmp_path / name, video, depth_range)
