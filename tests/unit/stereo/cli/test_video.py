from pathlib import Path

import av
import numpy as np
from typer.testing import CliRunner

from tests.support import stereo_scenes as scenes
from tests.support.videos import write_video
from vizion3d.programs.cli import app

PAIR = scenes.render_pair(scenes.TWO, scenes.camera(160, 120, 200.0))


def run(*arguments: str) -> tuple[int, str]:
    outcome = CliRunner().invoke(app, ["stereo", *arguments])
    return outcome.exit_code, outcome.output


def test_a_video_of_both_views_becomes_one_of_their_disparity(tmp_path: Path) -> None:
    both = np.concatenate((PAIR.left, PAIR.right), axis=1)
    clip = write_video(tmp_path / "clip.mp4", [both] * 3)
    config = PAIR.config
    camera = ("--focal-px", str(config.focal_length), "--baseline-mm", str(config.baseline))
    code, told = run("--side-by-side", str(clip), "--out", str(tmp_path / "out"), *camera)
    assert code == 0, told
    (path,) = (tmp_path / "out").iterdir()
    assert path.name == "clip.disparity.mp4"
    assert str(path) in told
    with av.open(path) as opened:
        frames = [frame.to_ndarray(format="rgb24") for frame in opened.decode(video=0)]
    assert [frame.shape for frame in frames] == [(*PAIR.depth_m.shape, 3)] * 3
    depth_m, seen = PAIR.depth_m, PAIR.seen_by_both
    middle_m = (depth_m.min() + depth_m.max()) / 2
    near, far = seen & (depth_m < middle_m), seen & (depth_m > middle_m)
    for frame in frames:
        assert frame[near].mean() > frame[far].mean() + 40, "bright is close"
