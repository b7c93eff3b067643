from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from tests.support import stereo_scenes as scenes
from vizion3d.programs.cli import app

PAIR = scenes.render_pair(scenes.TWO, scenes.camera(160, 120, 200.0))


@pytest.fixture
def photos(tmp_path: Path) -> list[str]:
    paths = [tmp_path / "left.png", tmp_path / "right.png"]
    for path, pixels in zip(paths, (PAIR.left, PAIR.right), strict=True):
        Image.fromarray(pixels).save(path)
    return [str(path) for path in paths]


def run(*arguments: str) -> tuple[int, str]:
    outcome = CliRunner().invoke(app, ["stereo", *arguments])
    return outcome.exit_code, outcome.output


def test_files_of_a_pair_are_in_metres(tmp_path: Path, photos: list[str]) -> None:
    out = tmp_path / "out"
    config = PAIR.config
    camera = ("--focal-px", str(config.focal_length), "--baseline-mm", str(config.baseline))
    code, told = run(*photos, "--out", str(out), "--save", "npz,ply,left", *camera)
    assert code == 0, told
    assert {path.name for path in out.iterdir()} == {"left.npz", "left.ply", "left.left.jpg"}
    with np.load(out / "left.npz") as arrays:
        valid = arrays["valid"] & PAIR.seen_by_both
        error = np.abs(arrays["depth"] / PAIR.depth_m - 1)[valid]
    assert np.median(error) < 0.01


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--save", "stl"), "stl; choose from"),
        (("--pairs", "a", "b"), "give LEFT and RIGHT, or"),
    ],
)
def test_options_that_make_no_sense_are_usage_errors(
    photos: list[str], arguments: tuple[str, ...], told: str
) -> None:
    code, output = run(*photos, *arguments)
    assert code == 2
    assert told in output
