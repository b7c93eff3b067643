"""Configuration and result, under the name that users know."""

from vizion3d.lifting.config import DepthEstimationAdvanceConfig
from vizion3d.lifting.result import DepthEstimationResult

__all__ = ["DepthEstimationAdvanceConfig", "DepthEstimationResult"]
