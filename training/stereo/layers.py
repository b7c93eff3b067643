"""Small parts that the network is built from."""

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def conv2d(
    channels_in: int, channels_out: int, *, kernel: int = 3, dilation: int = 1, groups: int = 1
) -> nn.Sequential:
    """A convolution that keeps the size, batch normalisation, ReLU."""
    padding = dilation * (kernel // 2)
    convolution = nn.Conv2d(
        channels_in,
        channels_out,
        kernel,
        padding=padding,
        dilation=dilation,
        groups=groups,
        bias=False,
    )
    return nn.Sequential(convolution, nn.BatchNorm2d(channels_out), nn.ReLU())


def conv3d(channels_in: int, channels_out: int, *, stride: int = 1) -> nn.Sequential:
    """3 x 3 x 3, keeping the size or, with ``stride=2``, halving it."""
    convolution = nn.Conv3d(channels_in, channels_out, 3, stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm3d(channels_out), nn.ReLU())


def enlarge3d(channels_in: int, channels_out: int) -> nn.Sequential:
    """Doubles all three sides."""
    convolution = nn.ConvTranspose3d(channels_in, channels_out, 4, 2, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm3d(channels_out))


def double(x: Tensor) -> Tensor:
    """Twice the height and width, bilinear."""
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


class Inverted(nn.Module):
    """Expand, filter each channel, project, add what came in (Sandler et al. 2018,
    arXiv:1801.04381)."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        inner = 2 * channels
        self.expand = conv2d(channels, inner, kernel=1)
        self.depthwise = conv2d(inner, inner, dilation=dilation, groups=inner)
        self.project = nn.Sequential(
            nn.Conv2d(inner, channels, 1, bias=False), nn.BatchNorm2d(channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` -> the same shape."""
        return x + cast(Tensor, self.project(self.depthwise(self.expand(x))))


class Excitation(nn.Module):
    """Weighs the channels of the volume by the left image's features, alike for every disparity
    (Bangunharam et al. 2021, *CoEx*, arXiv:2108.05773)."""

    def __init__(self, volume: int, features: int) -> None:
        super().__init__()
        self.weigh = nn.Conv2d(features, volume, 1)

    def forward(self, volume: Tensor, features: Tensor) -> Tensor:
        """``(N, C, D, H, W)`` and ``(N, F, H, W)`` -> the volume's shape."""
        return volume * torch.sigmoid(self.weigh(features)).unsqueeze(2)
