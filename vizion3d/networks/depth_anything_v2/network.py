"""What Depth Anything V2 says of itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from vizion3d.core.arrays import Float32Array
from vizion3d.networks.base import Header, Int8, Meaning, Network, Output, Recipe, Size
from vizion3d.networks.depth_anything_v2.config import PATCH_SIZE, NetworkConfig, config_from_shapes
from vizion3d.networks.positions import resample_positions

if TYPE_CHECKING:
    from torch import Tensor

    from vizion3d.networks.depth_anything_v2.model import DepthAnythingV2
    from vizion3d.networks.graph import GraphParts

TITLE = "Depth Anything V2"
RECIPE = Recipe(input_size=518, multiple=PATCH_SIZE)
"""Of the official code: the shorter side becomes 518, the size of training."""

_POSITIONS = "pretrained.pos_embed"


@dataclass(frozen=True)
class DepthAnythingV2Network(Network):
    """Depth Anything V2 in one of its sizes, relative or metric.

    Attributes:
        config: Its sizes.
        max_depth_m: Range of a metric network, in metres; ``None`` for a relative one.
    """

    config: NetworkConfig
    max_depth_m: float | None = None

    family: ClassVar = "depth_anything_v2"
    title: ClassVar = TITLE
    # The head in 8 bits, too, would cost a third of the depth's delta-1.
    int8: ClassVar = Int8(floating=(".*depth_head.*",))

    @property
    def variant(self) -> str:
        """``"vits"``, ``"vitb"``, ``"vitl"``, or ``"vit-<width>x<depth>"``."""
        return self.config.variant

    @property
    def recipe(self) -> Recipe:
        """Of the official code, at every size of the network."""
        return RECIPE

    @property
    def outputs(self) -> tuple[Output, ...]:
        """One map, ``"depth"``: inverse depth, or metres."""
        if self.max_depth_m is None:
            return (Output("depth", Meaning.INVERSE_DEPTH),)
        return (Output("depth", Meaning.METRES, self.max_depth_m),)

    def build(self, tensors: "Mapping[str, Tensor]") -> "DepthAnythingV2":
        """See :meth:`vizion3d.networks.base.Network.build`."""
        from vizion3d.networks.depth_anything_v2.model import DepthAnythingV2
        from vizion3d.networks.strict import fill

        return fill(lambda: DepthAnythingV2(self.config, self.max_depth_m), tensors)

    def constants(self, tensors: "Mapping[str, Tensor]") -> dict[str, Float32Array]:
        """The stored positional embedding, ``(1, 1 + grid**2, C)``."""
        return {"positions": tensors[_POSITIONS].float().numpy().copy()}

    def extras(self, constants: Mapping[str, Float32Array], size: Size) -> tuple[Float32Array, ...]:
        """The positional embedding for the input's size, ``(1, 1 + h/14 * w/14, C)``."""
        rows, cols = (side // PATCH_SIZE for side in size)
        return (resample_positions(constants["positions"], rows, cols),)

    def graph_parts(self, constants: Mapping[str, Float32Array]) -> "GraphParts":
        """See :meth:`vizion3d.networks.base.Network.graph_parts`."""
        import torch

        from vizion3d.networks.depth_anything_v2.graph import DepthAnythingV2Parts

        positions = torch.from_numpy(constants["positions"])
        return DepthAnythingV2Parts(self.recipe, positions, self.config.position_grid)


class DepthAnythingV2Family:
    """Recognises its checkpoints; see :class:`vizion3d.networks.base.Family`."""

    title = TITLE
    input_size = RECIPE.input_size

    def recognise(self, header: Header) -> DepthAnythingV2Network:
        """See :meth:`vizion3d.networks.base.Family.recognise`."""
        return DepthAnythingV2Network(config_from_shapes(header.shapes), header.max_depth_m)
