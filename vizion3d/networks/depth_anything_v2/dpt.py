"""The DPT head that turns encoder features into one depth value per pixel.

Dense Prediction Transformer (Ranftl et al. 2021, arXiv:2103.13413), in the arrangement of Depth
Anything V2 (Yang et al. 2024, arXiv:2406.09414). Parameter names are the checkpoint's own
(``depth_head.*``), so loading is strict.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from vizion3d.networks.depth_anything_v2.config import NetworkConfig

_OUTPUT_CHANNELS = 32


def _resize(x: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(x, size=size, mode="bilinear", align_corners=True)


def _conv3(channels_in: int, channels_out: int, *, stride: int = 1, bias: bool = True) -> nn.Conv2d:
    return nn.Conv2d(channels_in, channels_out, 3, stride=stride, padding=1, bias=bias)


class ResidualConvUnit(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut: ``(N, C, H, W)`` -> the same shape."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.conv1 = _conv3(features, features)
        self.conv2 = _conv3(features, features)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` -> the same shape."""
        out: Tensor = self.conv2(F.relu(self.conv1(F.relu(x))))
        return out + x


class FeatureFusion(nn.Module):
    """Add the next finer feature map to the path so far, refine, and enlarge."""

    def __init__(self, features: int) -> None:
        super().__init__()
        # The coarsest fusion has nothing to add and leaves its unit 1 unused, yet every checkpoint
        # carries the weights: strict loading needs them.
        self.resConfUnit1 = ResidualConvUnit(features)
        self.resConfUnit2 = ResidualConvUnit(features)
        self.out_conv = nn.Conv2d(features, features, 1)

    def forward(self, path: Tensor, finer: Tensor | None, size: tuple[int, int]) -> Tensor:
        """Fuse one step.

        Args:
            path: The coarser features so far, ``(N, C, h, w)``.
            finer: Features to add, of the same shape; None for the coarsest.
            size: ``(H, W)`` of the result.

        Returns:
            ``(N, C, H, W)``.
        """
        if finer is not None:
            path = path + self.resConfUnit1(finer)
        out: Tensor = self.out_conv(_resize(self.resConfUnit2(path), size))
        return out


class Scratch(nn.Module):
    """The layers that the checkpoint keeps under ``depth_head.scratch``."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        features, channels = config.features, config.head_channels
        self.layer1_rn = _conv3(channels[0], features, bias=False)
        self.layer2_rn = _conv3(channels[1], features, bias=False)
        self.layer3_rn = _conv3(channels[2], features, bias=False)
        self.layer4_rn = _conv3(channels[3], features, bias=False)
        self.refinenet1 = FeatureFusion(features)
        self.refinenet2 = FeatureFusion(features)
        self.refinenet3 = FeatureFusion(features)
        self.refinenet4 = FeatureFusion(features)
        self.output_conv1 = _conv3(features, features // 2)
        self.output_conv2 = nn.Sequential(
            _conv3(features // 2, _OUTPUT_CHANNELS), nn.ReLU(), nn.Conv2d(_OUTPUT_CHANNELS, 1, 1)
        )


class Head(nn.Module):
    """Reassembles four feature maps of the encoder, and fuses them from coarse to fine."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        channels = config.head_channels
        self.config = config
        self.projects = nn.ModuleList(nn.Conv2d(config.embed_dim, c, 1) for c in channels)
        self.resize_layers = nn.ModuleList(
            (
                nn.ConvTranspose2d(channels[0], channels[0], 4, stride=4),
                nn.ConvTranspose2d(channels[1], channels[1], 2, stride=2),
                nn.Identity(),
                _conv3(channels[3], channels[3], stride=2),
            )
        )
        self.scratch = Scratch(config)

    def forward(self, features: list[Tensor], rows: int, cols: int) -> Tensor:
        """Four maps ``(N, rows * cols, C)`` -> ``(N, 1, rows * p, cols * p)``, before the last
        activation."""
        maps = []
        for feature, project, resize in zip(
            features, self.projects, self.resize_layers, strict=True
        ):
            grid = feature.transpose(1, 2).reshape(feature.shape[0], -1, rows, cols)
            maps.append(resize(project(grid)))
        scratch = self.scratch
        m1, m2 = scratch.layer1_rn(maps[0]), scratch.layer2_rn(maps[1])
        m3, m4 = scratch.layer3_rn(maps[2]), scratch.layer4_rn(maps[3])
        path = scratch.refinenet4(m4, None, m3.shape[-2:])
        path = scratch.refinenet3(path, m3, m2.shape[-2:])
        path = scratch.refinenet2(path, m2, m1.shape[-2:])
        path = scratch.refinenet1(path, m1, (2 * m1.shape[-2], 2 * m1.shape[-1]))
        patch = self.config.patch_size
        path = _resize(scratch.output_conv1(path), (rows * patch, cols * patch))
        out: Tensor = scratch.output_conv2(path)
        return out
