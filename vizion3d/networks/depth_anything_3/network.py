"""What Depth Anything 3 says of itself."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from vizion3d.core.arrays import Float32Array
from vizion3d.networks.base import Header, Meaning, Network, Output, Recipe, Size
from vizion3d.networks.depth_anything_3.config import (
    PATCH_SIZE,
    UNUSED_PREFIXES,
    NetworkConfig,
    config_from_shapes,
    unprefixed,
)
from vizion3d.networks.depth_anything_3.recipe import RECIPE
from vizion3d.networks.depth_anything_3.rotation import rotations
from vizion3d.networks.positions import resample_positions

if TYPE_CHECKING:
    from torch import Tensor, nn

    from vizion3d.networks.graph import GraphParts

TITLE = "Depth Anything 3"

_POSITIONS = "backbone.pretrained.pos_embed"


@dataclass(frozen=True)
class DepthAnything3Network(Network):
    """Depth Anything 3 in one of its sizes.

    Attributes:
        config: Its sizes.
        metric: Whether a monocular network gives metres, a focal length being known (DA3Metric),
            or depth up to scale (DA3Mono).
    """

    config: NetworkConfig
    metric: bool = False

    family: ClassVar = "depth_anything_3"
    title: ClassVar = TITLE

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
        """``"depth"``, and ``"sky"``, or ``"confidence"`` and ``"field_of_view"``."""
        if self.config.joint_from is not None:
            return (
                Output("depth", Meaning.DEPTH),
                Output("confidence", Meaning.CONFIDENCE),
                Output("field_of_view", Meaning.FIELD_OF_VIEW_RAD),
            )
        depth = Meaning.METRES_PER_FOCAL_PX if self.metric else Meaning.DEPTH
        return Output("depth", depth), Output("sky", Meaning.SKY)

    @property
    def float32_parts(self) -> tuple[str, ...]:
        """What the official code keeps out of its autocast: the heads."""
        return ("head",) if self.config.joint_from is None else ("head", "cam_dec")

    def build(self, tensors: "Mapping[str, Tensor]") -> "nn.Module":
        """See :meth:`vizion3d.networks.base.Network.build`."""
        from vizion3d.networks.depth_anything_3.any_view import SingleViewDepthAnything3
        from vizion3d.networks.depth_anything_3.monocular import MonocularDepthAnything3
        from vizion3d.networks.strict import fill

        named = {unprefixed(name): tensor for name, tensor in tensors.items()}
        if self.config.joint_from is None:
            return fill(lambda: MonocularDepthAnything3(self.config, metric=self.metric), named)
        used = {n: tensor for n, tensor in named.items() if not n.startswith(UNUSED_PREFIXES)}
        return fill(lambda: SingleViewDepthAnything3(self.config), used)

    def constants(self, tensors: "Mapping[str, Tensor]") -> dict[str, Float32Array]:
        """The stored positional embedding, ``(1, 1 + grid**2, C)``."""
        named = {unprefixed(name): tensor for name, tensor in tensors.items()}
        return {"positions": named[_POSITIONS].float().numpy().copy()}

    def extras(self, constants: Mapping[str, Float32Array], size: Size) -> tuple[Float32Array, ...]:
        """The positional embedding for the input's size, ``(1, 1 + h/14 * w/14, C)``; for the
        any-view architecture also the rotations, ``(2, 2, 1 + h/14 * w/14, 64)``."""
        rows, cols = (side // PATCH_SIZE for side in size)
        positions = resample_positions(constants["positions"], rows, cols)
        if self.config.joint_from is None:
            return (positions,)
        return positions, rotations(rows, cols)

    def graph_parts(self, constants: Mapping[str, Float32Array]) -> "GraphParts":
        """See :meth:`vizion3d.networks.base.Network.graph_parts`."""
        import torch

        from vizion3d.networks.depth_anything_3.graph import DepthAnything3Parts

        positions = torch.from_numpy(constants["positions"])
        grid, rotates = self.config.encoder.position_grid, self.config.joint_from is not None
        return DepthAnything3Parts(positions, grid, rotates=rotates)


class DepthAnything3Family:
    """Recognises its checkpoints; see :class:`vizion3d.networks.base.Family`."""

    title = TITLE
    input_size = RECIPE.input_size

    def recognise(self, header: Header) -> DepthAnything3Network:
        """See :meth:`vizion3d.networks.base.Family.recognise`.

        DA3Mono and DA3Metric have the same tensors: which of them a file is, its names tell (in
        the catalogue, in ``config.json``, its own). Without a name it is taken for DA3Mono, which
        claims no metres.
        """
        config = config_from_shapes(header.shapes)
        if config.joint_from is not None:
            return DepthAnything3Network(config)
        told = (re.sub(r"[^a-z0-9]", "", name.lower()) for name in header.names)
        series = (match[0] for name in told if (match := re.search("da3(mono|metric)", name)))
        return DepthAnything3Network(config, metric=next(series, "") == "da3metric")
