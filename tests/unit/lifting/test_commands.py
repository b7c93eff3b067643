import math
from typing import Any

import pytest

from vizion3d.errors import InvalidConfigError
from vizion3d.lifting import (
    DepthEstimationAdvanceConfig,
    DepthEstimationCommand,
)


@pytest.mark.parametrize("input_size", [0, 13, -518, 98.5, math.nan, "518", True])
def test_an_input_size_that_is_no_size_is_refused(input_size: Any) -> None:
    with pytest.raises(InvalidConfigError, match=f"at least 14 pixels, got {input_size!r}"):
        DepthEstimationCommand(image_input=b"", input_size=input_size)


@pytest.mark.parametrize("config", [None, {"fx": 500}])
def test_an_advanced_config_of_another_type_is_refused(config: Any) -> None:
    with pytest.raises(InvalidConfigError, match="must be a DepthEstimationAdvanceConfig, got"):
        DepthEstimationCommand(image_input=b"", advanced_config=config)


def test_the_commands_defaults_are_the_documented_ones() -> None:
    command = DepthEstimationCommand(b"x")
    assert command.model_backend == (
        "https://github.com/OlafenwaMoses/vizion3D/releases/download/"
        "essentials-v1/depth_anything_v2_vitb.pth"
    )
    assert not command.return_depth_image
    assert not command.return_point_cloud
    assert command.advanced_config == DepthEstimationAdvanceConfig()
    assert command.input_size is None
