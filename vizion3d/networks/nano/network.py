"""What ``nano`` says of itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from PIL import Image

from vizion3d.core.arrays import Float32Array, UInt8Array
from vizion3d.networks.base import Header, Meaning, Network, Output, Recipe, Size
from vizion3d.networks.nano.config import MULTIPLE_PX, NanoConfig, config_from_shapes

if TYPE_CHECKING:
    from torch import Tensor

    from vizion3d.networks.graph import GraphParts
    from vizion3d.networks.nano.model import Nano

TITLE = "nano"


def resize(images: UInt8Array, size: Size) -> UInt8Array:
    """uint8 ``(N, H, W, 3)`` -> ``(N, *size, 3)``, bilinear; where the image shrinks, over the
    whole area that a pixel covers."""
    height, width = size
    return np.stack(
        [
            np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))
            for image in images
        ]
    )


RECIPE = Recipe(
    input_size=256,
    multiple=MULTIPLE_PX,
    mean=(127 / 255,) * 3,
    deviation=(128 / 255,) * 3,
    align_corners=False,
    host_resize=resize,
)
"""Mean and deviation are those of the published encoder, the size is that at which the network did
best on held-out rendered scenes; on photos with measured depth it makes little difference."""


@dataclass(frozen=True)
class NanoNetwork(Network):
    """EfficientNet-Lite with a small decoder.

    Attributes:
        config: Its sizes.
    """

    config: NanoConfig

    family: ClassVar = "nano"
    title: ClassVar = TITLE

    @property
    def variant(self) -> str:
        """Of the encoder: ``"lite2"``."""
        return self.config.variant

    @property
    def recipe(self) -> Recipe:
        """The same at every size of the network."""
        return RECIPE

    @property
    def outputs(self) -> tuple[Output, ...]:
        """One map, ``"depth"``: inverse depth without scale."""
        return (Output("depth", Meaning.INVERSE_DEPTH),)

    def build(self, tensors: "Mapping[str, Tensor]") -> "Nano":
        """See :meth:`vizion3d.networks.base.Network.build`."""
        from vizion3d.networks.nano.model import Nano
        from vizion3d.networks.strict import fill

        return fill(lambda: Nano(self.config), tensors)

    def graph_parts(self, _constants: Mapping[str, Float32Array]) -> "GraphParts":
        """See :meth:`vizion3d.networks.base.Network.graph_parts`."""
        from vizion3d.networks.nano.graph import NanoParts

        return NanoParts(self.recipe)


class NanoFamily:
    """Recognises its checkpoints; see :class:`vizion3d.networks.base.Family`."""

    title = TITLE
    input_size = RECIPE.input_size

    def recognise(self, header: Header) -> NanoNetwork:
        """See :meth:`vizion3d.networks.base.Family.recognise`."""
        return NanoNetwork(config_from_shapes(header.shapes))
