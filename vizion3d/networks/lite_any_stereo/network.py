"""What Lite Any Stereo V2 says of itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from vizion3d.core.arrays import Float32Array
from vizion3d.networks.base import Header, Meaning, Network, Output, Recipe, Size
from vizion3d.networks.lite_any_stereo.config import MULTIPLE, NetworkConfig, config_from_shapes

if TYPE_CHECKING:
    from torch import Tensor, nn

    from vizion3d.networks.graph import GraphParts

TITLE = "Lite Any Stereo V2"


@dataclass(frozen=True)
class NativeRecipe(Recipe):
    """Images are seen at their own size, as the authors' code hands them in, but for the rounding
    to a multiple (the authors pad instead); those with a longer side beyond ``input_size`` smaller.
    """

    def network_size(self, height: int, width: int, input_size: int | None = None) -> Size:
        """See :meth:`vizion3d.networks.base.Recipe.network_size`."""
        own = min(max(height, width), self.input_size)
        return super().network_size(height, width, own if input_size is None else input_size)


RECIPE = NativeRecipe(input_size=1536, multiple=MULTIPLE, bound="longer")
"""1536 pixels: about where 192, the largest disparity, is a ninth of the width."""


@dataclass(frozen=True)
class LiteAnyStereoNetwork(Network):
    """Lite Any Stereo V2 in one of its sizes.

    Attributes:
        config: Its sizes.
    """

    config: NetworkConfig

    family: ClassVar = "lite_any_stereo"
    title: ClassVar = TITLE
    inputs: ClassVar = ("left", "right")

    @property
    def variant(self) -> str:
        """``"las2-s"``, ``"las2-m"``, ``"las2-l"`` or ``"las2-h"``."""
        return self.config.variant

    @property
    def recipe(self) -> Recipe:
        """See ``RECIPE``."""
        return RECIPE

    @property
    def outputs(self) -> tuple[Output, ...]:
        """One map, ``"disparity"``, of the left image."""
        return (Output("disparity", Meaning.DISPARITY_PX),)

    def build(self, tensors: "Mapping[str, Tensor]") -> "nn.Module":
        """See :meth:`vizion3d.networks.base.Network.build`."""
        from vizion3d.networks.lite_any_stereo.feed_forward import FeedForwardStereo
        from vizion3d.networks.lite_any_stereo.iterative import IterativeStereo
        from vizion3d.networks.strict import fill

        if self.config.iterative:
            return fill(lambda: IterativeStereo(self.config), tensors)
        return fill(lambda: FeedForwardStereo(self.config), tensors)

    def graph_parts(self, _constants: Mapping[str, Float32Array]) -> "GraphParts":
        """See :meth:`vizion3d.networks.base.Network.graph_parts`."""
        from vizion3d.networks.lite_any_stereo.graph import LiteAnyStereoParts

        return LiteAnyStereoParts(self.recipe)


class LiteAnyStereoFamily:
    """Recognises its checkpoints; see :class:`vizion3d.networks.base.Family`."""

    title = TITLE
    input_size = RECIPE.input_size

    def recognise(self, header: Header) -> LiteAnyStereoNetwork:
        """See :meth:`vizion3d.networks.base.Family.recognise`."""
        return LiteAnyStereoNetwork(config_from_shapes(header.shapes))
