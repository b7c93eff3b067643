import math
from typing import Any

import numpy as np
import pytest

from vizion3d.errors import InvalidConfigError
from vizion3d.stereo import StereoDepthAdvancedConfig, StereoDepthCommand

DEFAULTS = {
    "focal_length": 1000.0,
    "cx": 640.0,
    "cy": 360.0,
    "baseline": 100.0,
    "doffs": 0.0,
    "z_far": 50.0,
    "conf_threshold": 0.1,
    "occ_threshold": 0.5,
    "scale_factor": None,
}


def test_the_defaults_are_those_that_users_know() -> None:
    config = StereoDepthAdvancedConfig()
    assert {name: getattr(config, name) for name in DEFAULTS} == DEFAULTS
    assert config.frame == "opengl"
    command = StereoDepthCommand("left.png", "right.png")
    flags = command.return_depth_image, command.return_raw_depth, command.return_point_cloud
    assert flags == (True, True, False)


@pytest.mark.parametrize(
    "fields",
    [
        {"focal_length": 0},
        {"baseline": -1},
        {"doffs": math.nan},
        {"z_far": math.inf},
        {"conf_threshold": 1.5},
        {"occ_threshold": -0.1},
        {"scale_factor": 0},
        {"scale_factor": 1.1},
        {"rectify": "perhaps"},
        {"min_depth_m": 60},
        {"frame": "blender"},
        {"baselin": 1},
    ],
)
def test_what_makes_no_sense_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidConfigError, match=next(iter(fields))):
        StereoDepthAdvancedConfig(**fields)


def test_depth_follows_from_the_formula() -> None:
    config = StereoDepthAdvancedConfig(focal_length=800, baseline=120, doffs=10)
    disparity = np.array([[30.0, 86.0, -10.0, 0.0]], np.float32)
    valid = np.array([[True, True, True, False]])
    np.testing.assert_allclose(config.depth_m(disparity, valid), [[2.4, 1.0, 0, 0]])
    assert config.disparity_px(2.4) == pytest.approx(30)


def test_an_unset_principal_point_is_the_centre_but_for_the_default_size() -> None:
    config = StereoDepthAdvancedConfig()
    usual, other = config.intrinsics_for(1280, 720), config.intrinsics_for(641, 481)
    assert (usual.cx, usual.cy) == (640, 360)
    assert (other.cx, other.cy) == (320, 240)
    assert other.sources["cx"] == "the image's centre"
    given = StereoDepthAdvancedConfig(cx=7).intrinsics_for(641, 481)
    assert (given.cx, given.sources["cx"]) == (7, "given")


def test_a_calibration_is_scaled_but_not_what_was_set_by_hand() -> None:
    text = b"800 0 320 0 800 240 0 0 1\nbaseline: 120 mm\nwidth: 640\nheight: 480\n"
    mine = StereoDepthAdvancedConfig.from_calibration(
        b"cam0=[800 0 320; 0 800 240; 0 0 1]\ncam1=[800 0 320; 0 800 240; 0 0 1]\n"
        b"doffs=0\nbaseline=120\nwidth=640\nheight=480\n",
        cy=100.0,
    )
    half = mine.for_size(320, 240)
    assert (half.focal_length, half.cy, half.baseline) == (400, 100, 120)
    assert half.cx == pytest.approx(159.75)
    assert StereoDepthAdvancedConfig.from_calibration(text).baseline == 120
    with pytest.raises(InvalidConfigError, match="another shape"):
        mine.for_size(480, 480)
