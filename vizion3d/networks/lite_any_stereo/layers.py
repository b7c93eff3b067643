"""Small parts that the features, the aggregation and the upsampling are built from.

Parameter names are the checkpoints' own, so loading is strict.
"""

import torch
from torch import Tensor, nn


class InstanceNorm(nn.Module):
    """Each channel of each image with mean 0 and deviation 1 (Ulyanov et al. 2016,
    arXiv:1607.08022). torch's own module looks at shapes in a way that cannot be traced."""

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` -> the same shape."""
        return torch.instance_norm(x, None, None, None, None, True, 0.0, 1e-5, False)


class Unit(nn.Module):
    """A convolution without bias, then what is given: a normalisation, an activation."""

    def __init__(self, convolution: nn.Module, *rest: nn.Module) -> None:
        super().__init__()
        self.block = nn.Sequential(convolution, *rest)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` -> what its convolution makes of it."""
        out: Tensor = self.block(x)
        return out


def conv(channels_in: int, channels_out: int, *rest: nn.Module, stride: int = 1) -> Unit:
    """3 x 3, keeping the size or, with ``stride=2``, halving it."""
    convolution = nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False)
    return Unit(convolution, *rest)


def enlarging(channels_in: int, channels_out: int, *rest: nn.Module) -> Unit:
    """Doubles both sides."""
    return Unit(
        nn.ConvTranspose2d(channels_in, channels_out, 4, stride=2, padding=1, bias=False), *rest
    )


class Merge(nn.Module):
    """Enlarge a coarse map, put a fine one before it, and mix both into the fine one's width."""

    def __init__(self, coarse: int, fine: int) -> None:
        super().__init__()
        self.deconv = enlarging(coarse, fine, nn.BatchNorm2d(fine), nn.LeakyReLU(0.2))
        self.conv = conv(2 * fine, fine, nn.BatchNorm2d(fine), nn.LeakyReLU(0.2))

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Coarse ``(N, C, H, W)`` and fine ``(N, F, 2 H, 2 W)`` -> ``(N, F, 2 H, 2 W)``."""
        out: Tensor = self.conv(torch.cat((fine, self.deconv(coarse)), dim=1))
        return out


class PartialConv(nn.Module):
    """Convolves the first quarter of the channels and leaves the others."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolved = channels // 4
        self.partial_conv3 = nn.Conv2d(self.convolved, self.convolved, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` -> the same shape."""
        first, others = x[:, : self.convolved], x[:, self.convolved :]
        return torch.cat((self.partial_conv3(first), others), dim=1)


class FasterNetBlock(nn.Module):
    """Partial convolution, then a pointwise network of two layers, around which a shortcut goes
    (Chen et al. 2023, *Run, Don't Walk*, arXiv:2303.03667)."""

    def __init__(self, channels: int, expansion: int) -> None:
        super().__init__()
        hidden = expansion * channels
        self.spatial_mixing = PartialConv(channels)
        self.mlp = nn.Sequential(
            nn.Conv2d(channels, hidden, 1, bias=False),
            nn.BatchNorm2d(hidden),
            nn.GELU(),
            nn.Conv2d(hidden, channels, 1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` -> the same shape."""
        out: Tensor = x + self.mlp(self.spatial_mixing(x))
        return out
