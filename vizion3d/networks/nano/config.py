"""Sizes of the network, and how a file's tensors tell them. Free of torch."""

import re
from dataclasses import dataclass

from vizion3d.networks.base import MismatchError, Shapes

STAGES = 7
TAPS = (0, 1, 2, 4, 6)
"""The encoder's stages whose maps go out: at 1/2, 1/4, 1/8, 1/16 and 1/32 of the image."""
MULTIPLE_PX = 32
"""Sides of the image are multiples of this."""


@dataclass(frozen=True)
class EncoderConfig:
    """Sizes of the encoder's seven stages.

    Attributes:
        widths: Channels of each.
        repeats: Blocks of each.
    """

    widths: tuple[int, ...]
    repeats: tuple[int, ...]


LITE0 = EncoderConfig((16, 24, 40, 80, 112, 192, 320), (1, 2, 2, 3, 3, 4, 1))
LITE1 = EncoderConfig((16, 24, 40, 80, 112, 192, 320), (1, 3, 3, 4, 4, 5, 1))
LITE2 = EncoderConfig((16, 24, 48, 88, 120, 208, 352), (1, 3, 3, 4, 4, 5, 1))
PUBLISHED = {"lite0": LITE0, "lite1": LITE1, "lite2": LITE2}
"""EfficientNet-Lite (Tan and Le 2019, arXiv:1905.11946) in the sizes that were published."""


@dataclass(frozen=True)
class NanoConfig:
    """Sizes of the network.

    Attributes:
        encoder: Of the encoder.
        channels: Of the decoder at 1/2, 1/4, 1/8, 1/16 and 1/32 of the image.
    """

    encoder: EncoderConfig
    channels: tuple[int, ...] = (16, 48, 96, 128, 160)

    @property
    def variant(self) -> str:
        """``"lite0"``, ``"lite1"`` or ``"lite2"``, by the encoder; ``"lite"`` for any other."""
        return next((n for n, c in PUBLISHED.items() if c == self.encoder), "lite")


def config_from_shapes(shapes: Shapes) -> NanoConfig:
    """The sizes that a file's tensors have.

    Raises:
        MismatchError: They are not those of this network.
    """
    first = [f"encoder.stages.{stage}.0.project.weight" for stage in range(STAGES)]
    decoder = ["decoder.finest.weight", *(f"decoder.reduce.{i}.weight" for i in range(4))]
    missing = [name for name in (*first, *decoder) if len(shapes.get(name, ())) != 4]
    if missing:
        raise MismatchError(f"lacks {missing[0]}, a convolution")
    widths = tuple(shapes[name][0] for name in first)
    repeats = tuple(_blocks(shapes, stage) for stage in range(STAGES))
    channels = tuple(shapes[name][0] for name in decoder)
    return NanoConfig(EncoderConfig(widths, repeats), channels)


def _blocks(shapes: Shapes, stage: int) -> int:
    project = re.compile(rf"encoder\.stages\.{stage}\.\d+\.project\.weight")
    return sum(bool(project.fullmatch(name)) for name in shapes)
