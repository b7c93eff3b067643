import itertools
import subprocess
import sys
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import pytest

from tests.support.videos import panning, write_video
from vizion3d.errors import InvalidImageError
from vizion3d.media.video import Video


@pytest.fixture
def panned(tmp_path: Path) -> Path:
    return write_video(tmp_path / "in.mp4", panning(10), sound_s=1.0)


def test_what_the_file_tells(panned: Path) -> None:
    with Video(panned) as video:
        assert video.fps == 10
        assert video.frame_count == 10
        assert [time_s for _, time_s in video.timed()] == [Fraction(n, 10) for n in range(10)]


def test_a_turned_video_is_seen_upright(tmp_path: Path) -> None:
    upright = panning(1)[0]
    for rotation in (90, 180, -90):
        path = write_video(
            tmp_path / "turned.mp4", [np.rot90(upright, -rotation // 90)], rotation_deg=rotation
        )
        with Video(path) as video:
            (decoded,) = video
        assert decoded.shape == upright.shape
        assert np.abs(decoded.astype(int) - upright).mean() < 6


class SlowContainer:
    """A container of frames without end, the second of which takes until it is let go."""

    def __init__(self, container: Any) -> None:
        self.container = container
        self.decoding, self.go_on = threading.Event(), threading.Event()
        self.closed_while_decoding = False

    def decode(self, stream: object) -> Iterator[av.VideoFrame]:
        frame = next(self.container.decode(stream))
        for number in itertools.count():
            if number == 1:
                self.decoding.set()
                assert self.go_on.wait(30)
                self.decoding.clear()
            yield frame

    def close(self) -> None:
        self.closed_while_decoding = self.decoding.is_set()
        self.container.close()


def test_closing_waits_for_the_frame_that_another_thread_decodes(panned: Path) -> None:
    video = Video(panned)
    slow = SlowContainer(video._container)
    video._container = cast(Any, slow)
    ended: list[BaseException] = []

    def decode_all() -> None:
        try:
            for _ in video:
                pass
        except ValueError as error:
            ended.append(error)

    thread = threading.Thread(target=decode_all, daemon=True)
    with video:
        thread.start()
        assert slow.decoding.wait(30)
        threading.Timer(0.05, slow.go_on.set).start()
    thread.join(30)
    assert not thread.is_alive()
    assert not slow.closed_while_decoding
    assert "is closed" in str(ended[0])


def test_what_is_no_video_is_told(tmp_path: Path, panned: Path) -> None:
    with pytest.raises(InvalidImageError, match="there is no file"):
        Video(tmp_path / "none.mp4")
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(InvalidImageError, match=r"text\.mp4 cannot be read as a video"):
        Video(tmp_path / "text.mp4")
    with av.open(tmp_path / "tone.wav", "w") as container:
        sound = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        silence = av.AudioFrame.from_ndarray(
            np.zeros((1, 800), np.int16), format="s16", layout="mono"
        )
        silence.sample_rate = 8000
        container.mux(sound.encode(silence))
    with pytest.raises(InvalidImageError, match="has no video in it"):
        Video(tmp_path / "tone.wav")


@pytest.mark.process
def test_without_pyav_it_is_told_how_to_install_it() -> None:
    program = (
        "import sys; sys.modules['av'] = None\n"
        "from vizion3d.media.video import Video\n"
        "Video('in.mp4')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert "MissingDependencyError: PyAV cannot be imported" in ended.stderr
    assert "pip install 'vizion3d[video]'" in ended.stderr
