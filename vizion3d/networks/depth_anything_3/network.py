"""What Depth Anything 3 says of itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from vizion3d.core.arrays import Float32Array
from vizion3d.networks.base import Header, Meaning, Network, Output, Recipe, Size
from vizion3d.networks.depth_anything_3.config import (
    PATCH_SIZE,
    NetworkConfig,
    config_from_shapes,
    unprefixed,
)
from vizion3d.networks.depth_anything_3.recipe import RECIPE
from vizion3d.networks.depth_anything_3.rotation import rotations
from vizion3d.networks.positions import resample_positions

if TYPE_CHECKING:
    from torch import Tensor, nn

TITLE = "Depth Anything 3"

_POSITIONS = "backbone.pretrained.pos_embed"
