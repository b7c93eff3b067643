"""From depth without a unit to metres, by what is known of the scene.

A network's output is affine in one space: the relative kind of Depth Anything V2 is a scale and a
shift away from *inverse* depth. The fit is done in that space; in another one it would bend every
plane (Ranftl et al. 2022, *Towards Robust Monocular Depth Estimation*, arXiv:1907.01341).
"""

from typing import TYPE_CHECKING

from vizion3d.core.lazy import attributes
from vizion3d.geometry.alignment.knowledge import Knowledge
from vizion3d.geometry.alignment.model import Alignment, Parameter, Residuals, Space

if TYPE_CHECKING:
    from vizion3d.geometry.alignment.fitting import align
else:
    __getattr__ = attributes(__name__, {"align": "vizion3d.geometry.alignment.fitting"})

__all__ = ["Alignment", "Knowledge", "Parameter", "Residuals", "Space", "align"]
