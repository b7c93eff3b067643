from pathlib import Path

import pytest
import typer

from vizion3d.stereo import StereoDepthAdvancedConfig
from vizion3d.stereo.cli.cameras import configure

MIDDLEBURY = (
    "cam0=[100 0 80; 0 100 60; 0 0 1]\ncam1=[100 0 80; 0 100 60; 0 0 1]\n"
    "doffs=0\nbaseline=50\nwidth=160\nheight=120\n"
)


def test_options_that_are_not_given_are_not_set() -> None:
    config = configure(None, None, focal_length=200.0, cx=None, z_far=None)
    assert config == StereoDepthAdvancedConfig(focal_length=200.0)
    assert config.model_fields_set == {"focal_length"}


def test_a_calibration_says_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "calib.txt"
    path.write_text(MIDDLEBURY)
    config = configure([path], None, baseline=60.0, cx=None)
    assert (config.focal_length, config.cx, config.baseline) == (100.0, 80.0, 60.0)


def test_a_third_calibration_is_a_usage_error() -> None:
    with pytest.raises(typer.BadParameter, match="once, or twice"):
        configure([Path("a"), Path("b"), Path("c")], None)
