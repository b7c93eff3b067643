"""From raw correlations to scores: a small U-shaped network, guided by the left image."""

import torch.nn.functional as F
from torch import Tensor, nn

from vizion3d.networks.lite_any_stereo.config import DISPARITIES, FEATURE_CHANNELS, NetworkConfig
from vizion3d.networks.lite_any_stereo.layers import FasterNetBlock


class Residual(nn.Module):
    """A block, after a halving of the size if the channels double."""

    def __init__(self, channels_in: int, channels_out: int, expansion: int) -> None:
        super().__init__()
        self.proj = (
            nn.Identity()
            if channels_in == channels_out
            else nn.Sequential(
                nn.Conv2d(channels_in, channels_out, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(channels_out),
            )
        )
        self.block = FasterNetBlock(channels_out, expansion)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` -> the same, or ``(N, 2 C, H/2, W/2)``."""
        out: Tensor = self.block(self.proj(x))
        return out


class Guidance(nn.Module):
    """Weighs costs by the left image's features, seen through long, thin kernels."""

    def __init__(self, channels: int, feature_channels: int) -> None:
        super().__init__()
        self.conv0 = nn.Conv2d(feature_channels, channels, 1)
        self.conv0_1, self.conv0_2 = _row_and_column(channels, 7)
        self.conv1_1, self.conv1_2 = _row_and_column(channels, 11)
        self.conv2_1, self.conv2_2 = _row_and_column(channels, 21)
        self.conv3 = nn.Conv2d(channels, channels, 1)

    def forward(self, cost: Tensor, features: Tensor) -> Tensor:
        """Costs ``(N, C, H, W)`` and features ``(N, F, H, W)`` -> costs of the same shape."""
        near = self.conv0(features)
        wide = near + self.conv0_2(self.conv0_1(near))
        wide = wide + self.conv1_2(self.conv1_1(near))
        wide = wide + self.conv2_2(self.conv2_1(near))
        out: Tensor = self.conv3(wide) * cost
        return out


def _row_and_column(channels: int, length: int) -> tuple[nn.Conv2d, nn.Conv2d]:
    half = length // 2
    return (
        nn.Conv2d(channels, channels, (1, length), padding=(0, half), groups=channels),
        nn.Conv2d(channels, channels, (length, 1), padding=(half, 0), groups=channels),
    )


def _enlarging(channels: int) -> nn.Sequential:
    """Twice the size, half the channels."""
    half = channels // 2
    return nn.Sequential(
        nn.ConvTranspose2d(channels, half, 3, 2, padding=1, output_padding=1, bias=False),
        nn.BatchNorm2d(half),
    )


class Aggregation(nn.Module):
    """Costs ``(N, 48, H, W)`` and the left image's features -> scores of the same shape."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        at_4, at_8, at_16 = DISPARITIES, 2 * DISPARITIES, 4 * DISPARITIES

        def blocks(channels: int, count: int) -> nn.Sequential:
            return nn.Sequential(*(step(channels, channels) for _ in range(count)))

        def step(channels_in: int, channels_out: int) -> Residual:
            return Residual(channels_in, channels_out, config.expansion)

        self.conv0 = blocks(at_4, config.blocks[0])
        self.conv1 = step(at_4, at_8)
        self.conv2 = blocks(at_8, config.blocks[1] - 1)
        self.conv3 = step(at_8, at_16)
        self.conv4 = blocks(at_16, config.blocks[2] - 1)
        self.conv5 = _enlarging(at_16)
        self.conv6 = _enlarging(at_8)
        self.redir1 = step(at_4, at_4)
        self.redir2 = step(at_8, at_8)
        self.att0 = Guidance(at_4, FEATURE_CHANNELS[0])
        self.att2 = Guidance(at_8, FEATURE_CHANNELS[1])
        self.att4 = Guidance(at_16, FEATURE_CHANNELS[2])

    def forward(self, costs: Tensor, features: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        """Costs at a quarter of the size; features at a quarter, an eighth and a sixteenth."""
        at_4 = self.att0(self.conv0(costs), features[0])
        at_8 = self.att2(self.conv2(self.conv1(at_4)), features[1])
        at_16 = self.att4(self.conv4(self.conv3(at_8)), features[2])
        up_8 = F.relu(self.conv5(at_16) + self.redir2(at_8))
        return F.relu(self.conv6(up_8) + self.redir1(at_4))
