"""The whole network: inverse depth of an image."""

import torch.nn.functional as F
from torch import Tensor, nn

from vizion3d.networks.nano.config import TAPS, NanoConfig
from vizion3d.networks.nano.decoder import Decoder
from vizion3d.networks.nano.encoder import Encoder


class Nano(nn.Module):
    """``(N, 3, H, W)`` normalised RGB, sides multiples of 32 -> ``(N, H, W)`` inverse depth >= 0
    without scale."""

    def __init__(self, config: NanoConfig) -> None:
        super().__init__()
        self.encoder = Encoder(config.encoder)
        widths = [config.encoder.widths[tap] for tap in TAPS]
        self.decoder = Decoder(widths, config.channels)

    def forward(self, image: Tensor) -> Tensor:
        """See the class; ``image`` is RGB by the recipe's mean and deviation."""
        return F.relu(self.raw(image))

    def raw(self, image: Tensor) -> Tensor:
        """Before the last ReLU, whose dead side has no gradient."""
        out: Tensor = self.decoder(self.encoder(image))
        return out
