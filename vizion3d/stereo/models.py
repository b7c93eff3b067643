"""Configuration and result, under the name that users know."""

from vizion3d.stereo.config import StereoDepthAdvancedConfig
from vizion3d.stereo.result import StereoDepthResult

__all__ = ["StereoDepthAdvancedConfig", "StereoDepthResult"]
