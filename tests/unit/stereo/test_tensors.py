import numpy as np
import pytest

from vizion3d.errors import InvalidConfigError
from vizion3d.stereo.models import StereoDepthAdvancedConfig
from vizion3d.stereo.tensors import TENSORS, read

PAIR = {"left_image": b"left", "right_image": b"right"}
CALIBRATION = """cam0=[100 0 16; 0 100 12; 0 0 1]
cam1=[100 0 16; 0 100 12; 0 0 1]
doffs=0
baseline=50
width=32
height=24
"""


def test_parameters_are_the_commands_and_the_configs() -> None:
    command = read(PAIR, {"model_backend": "sgbm", "baseline": 63.0})
    assert (command.left_image, command.right_image) == (b"left", b"right")
    assert command.advanced_config == StereoDepthAdvancedConfig(baseline=63.0)


def test_a_calibration_is_the_content_of_its_file() -> None:
    config = read(PAIR, {"calibration": CALIBRATION, "z_far": 9.0}).advanced_config
    assert (config.baseline, config.focal_length, config.z_far) == (50.0, 100.0, 9.0)


def test_a_parameter_that_makes_no_sense_is_told() -> None:
    for parameters in ({"base_line": 1.0}, {"calibration": 1}, {"calibration": "what"}):
        with pytest.raises(InvalidConfigError):
            read(PAIR, parameters)


def test_the_types_are_numpys() -> None:
    assert all(np.dtype(spec.dtype).name == spec.dtype for spec in TENSORS.arrays)
