"""What each image is described by: an encoder, and a pyramid that brings its maps together."""

import torch.nn.functional as F
from torch import Tensor, nn

from training.stereo.config import TAPS, NanoStereoConfig
from training.stereo.layers import conv2d, double
from vizion3d.networks.nano.encoder import Encoder


class Features(nn.Module):
    """``(N, 3, H, W)`` normalised RGB -> maps at 1/2 to 1/16, and a descriptor at 1/4."""

    def __init__(self, config: NanoStereoConfig) -> None:
        super().__init__()
        self.encoder = Encoder(config.encoder)
        _, given_4, given_8, given_16 = (config.encoder.widths[tap] for tap in TAPS)
        at_4, at_8, at_16 = config.features
        self.lateral_16 = conv2d(given_16, at_16, kernel=1)
        self.lateral_8 = nn.Conv2d(given_8, at_8, 1)
        self.lateral_4 = nn.Conv2d(given_4, at_4, 1)
        self.down_8 = nn.Conv2d(at_16, at_8, 1)
        self.down_4 = nn.Conv2d(at_8, at_4, 1)
        self.mix_8 = conv2d(at_8, at_8)
        self.mix_4 = conv2d(at_4, at_4)
        self.describe = nn.Sequential(conv2d(at_4, at_4), nn.Conv2d(at_4, config.descriptor, 1))

    def forward(self, image: Tensor) -> tuple[list[Tensor], Tensor]:
        """The maps, finest first, and the descriptor, whose length is 1 at every pixel."""
        at_2, at_4, at_8, at_16 = self.encoder(image)
        at_16 = self.lateral_16(at_16)
        at_8 = self.mix_8(F.relu(self.lateral_8(at_8) + double(self.down_8(at_16))))
        at_4 = self.mix_4(F.relu(self.lateral_4(at_4) + double(self.down_4(at_8))))
        raw = self.describe(at_4).float()
        length = (raw.square().sum(1, keepdim=True) + 1e-6).rsqrt()
        return [at_2, at_4, at_8, at_16], raw * length
