import pytest

from vizion3d.errors import InvalidConfigError
from vizion3d.stereo import StereoDepthCommand


def test_a_config_of_another_type_is_refused() -> None:
    with pytest.raises(InvalidConfigError, match="advanced_config must be"):
        StereoDepthCommand("a", "b", advanced_config={})  # type: ignore[arg-type]
