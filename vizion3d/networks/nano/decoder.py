"""The decoder: from the encoder's five maps to one inverse depth per pixel.

Coarse to fine by residual units and sums, as in RefineNet (Lin et al. 2017, arXiv:1611.06612) and
MiDaS (Ranftl et al. 2020, arXiv:1907.01341), with one vector about the whole image added where the
map is coarsest.
"""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn


def _conv3(channels_in: int, channels_out: int) -> nn.Conv2d:
    return nn.Conv2d(channels_in, channels_out, 3, padding=1)


def double(x: Tensor) -> Tensor:
    """Twice the height and width, bilinear."""
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


class ResidualUnit(nn.Module):
    """Two convolutions whose result is added to what came in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = _conv3(channels, channels)
        self.conv2 = _conv3(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, h, w)`` -> the same shape."""
        out: Tensor = self.conv2(F.relu(self.conv1(F.relu(x))))
        return out + x


class Fusion(nn.Module):
    """Add the next finer map to the path so far, and refine."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(channels_in, channels, 1)
        self.finer = ResidualUnit(channels)
        self.both = ResidualUnit(channels)

    def forward(self, path: Tensor, finer: Tensor) -> Tensor:
        """``(N, C, h, w)`` and ``(N, c, 2h, 2w)`` -> ``(N, c, 2h, 2w)``."""
        out: Tensor = self.both(double(self.narrow(path)) + self.finer(finer))
        return out


class Decoder(nn.Module):
    """Maps at 1/2, 1/4, 1/8, 1/16 and 1/32 -> ``(N, H, W)`` before the last activation.

    Args:
        channels_in: Channels of the maps, finest first.
        channels: Channels of the decoder at each of these scales.
    """

    def __init__(self, channels_in: Sequence[int], channels: Sequence[int]) -> None:
        super().__init__()
        coarse = channels[-1]
        self.reduce = nn.ModuleList(
            _conv3(given, own) for given, own in zip(channels_in[1:], channels[1:], strict=True)
        )
        self.context = nn.Sequential(
            nn.Conv2d(channels_in[-1], coarse, 1), nn.ReLU(), nn.Conv2d(coarse, coarse, 1)
        )
        self.coarsest = ResidualUnit(coarse)
        self.fusions = nn.ModuleList(
            Fusion(coarser, own)
            for coarser, own in zip(channels[:1:-1], channels[-2:0:-1], strict=True)
        )
        fine = channels[0]
        self.narrow = nn.Conv2d(channels[1], fine, 1)
        self.finest = _conv3(channels_in[0], fine)
        self.last = nn.Sequential(nn.ReLU(), _conv3(fine, fine), nn.ReLU(), nn.Conv2d(fine, 1, 1))

    def forward(self, maps: list[Tensor]) -> Tensor:
        """The maps, finest first -> ``(N, H, W)``."""
        finest, *others = maps
        reduced = [reduce(x) for reduce, x in zip(self.reduce, others, strict=True)]
        context = self.context(others[-1].mean((2, 3), keepdim=True))
        path = self.coarsest(reduced[-1] + context)
        for fusion, finer in zip(self.fusions, reduced[-2::-1], strict=True):
            path = fusion(path, finer)
        path = double(self.narrow(path)) + self.finest(finest)
        out: Tensor = double(self.last(path)).squeeze(1)
        return out
