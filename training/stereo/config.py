"""Sizes of the network. Free of torch."""

from dataclasses import dataclass

from vizion3d.networks.nano.config import LITE0, EncoderConfig

MULTIPLE_PX = 32
"""Sides of the images are multiples of this."""
DISPARITIES = 48
"""Candidates, in pixels of the quarter-size features: disparity in the input is below 192 px."""
ENCODER = EncoderConfig(LITE0.widths[:5], LITE0.repeats[:5])
"""The first five stages of the smallest EfficientNet-Lite."""
TAPS = (0, 1, 2, 4)
"""The encoder's stages that are used: at 1/2, 1/4, 1/8 and 1/16 of the image."""


@dataclass(frozen=True)
class NanoStereoConfig:
    """Sizes of the network.

    Attributes:
        encoder: Of the encoder.
        features: Channels of the features at 1/4, 1/8 and 1/16 of the image.
        descriptor: Channels that are compared between the images.
        groups: Into so many groups these are split, each with a correlation of its own.
        volume: Channels of the volume at 1/4, 1/8, 1/16 and 1/32 of the image.
        refinement: Channels of the refinement at 1/2 of the image.
    """

    encoder: EncoderConfig = ENCODER
    features: tuple[int, int, int] = (48, 64, 96)
    descriptor: int = 32
    groups: int = 8
    volume: tuple[int, int, int, int] = (8, 16, 32, 48)
    refinement: int = 32
