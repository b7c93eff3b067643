"""The trunk of a DPT head: from an encoder's features to one feature map at the image's size.

Dense Prediction Transformer (Ranftl et al. 2021, arXiv:2103.13413), in the arrangement of Depth
Anything V2 and 3. Parameter names are the checkpoints' own, so loading is strict.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from vizion3d.networks.sizes import DptSizes

OUTPUT_CHANNELS = 32
"""Width between the last two convolutions."""


def resize(x: Tensor, size: tuple[int, int]) -> Tensor:
    """``(N, C, h, w)`` -> ``(N, C, *size)``, bilinear with aligned corners."""
    return F.interpolate(x, size=size, mode="bilinear", align_corners=True)


def conv3(channels_in: int, channels_out: int, *, stride: int = 1, bias: bool = True) -> nn.Conv2d:
    """A convolution of 3 x 3 whose output has the input's size, divided by the stride."""
    return nn.Conv2d(channels_in, channels_out, 3, stride=stride, padding=1, bias=bias)


def output_convolutions(features: int, outputs: int) -> nn.Sequential:
    """The last layers: from the trunk's map to ``outputs`` values a pixel, before activation."""
    return nn.Sequential(
        conv3(features // 2, OUTPUT_CHANNELS), nn.ReLU(), nn.Conv2d(OUTPUT_CHANNELS, outputs, 1)
    )


class ResidualConvUnit(nn.Module):
    """Two convolutions, each after a ReLU, added to their input."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.conv1 = conv3(features, features)
        self.conv2 = conv3(features, features)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, features, h, w)`` -> the same shape."""
        out: Tensor = self.conv2(F.relu(self.conv1(F.relu(x))))
        return out + x


class FeatureFusion(nn.Module):
    """Add the next finer feature map to the path so far, refine, and enlarge."""

    def __init__(self, features: int, *, adds: bool = True) -> None:
        super().__init__()
        if adds:
            self.resConfUnit1 = ResidualConvUnit(features)
        self.resConfUnit2 = ResidualConvUnit(features)
        self.out_conv = nn.Conv2d(features, features, 1)

    def forward(self, path: Tensor, finer: Tensor | None, size: tuple[int, int]) -> Tensor:
        """Fuse two feature maps.

        Args:
            path: ``(N, features, h, w)``.
            finer: The same shape; ``None`` where the path begins.
            size: ``(height, width)`` of the result.

        Returns:
            ``(N, features, *size)``.
        """
        if finer is not None:
            path = path + self.resConfUnit1(finer)
        out: Tensor = self.out_conv(resize(self.resConfUnit2(path), size))
        return out


class Scratch(nn.Module):
    """The layers that a checkpoint keeps under ``scratch``; each head adds its last ones."""

    output_conv2: nn.Module
    sky_output_conv2: nn.Module

    def __init__(self, sizes: DptSizes) -> None:
        super().__init__()
        features, channels = sizes.features, sizes.channels
        self.layer1_rn = conv3(channels[0], features, bias=False)
        self.layer2_rn = conv3(channels[1], features, bias=False)
        self.layer3_rn = conv3(channels[2], features, bias=False)
        self.layer4_rn = conv3(channels[3], features, bias=False)
        self.refinenet1 = FeatureFusion(features)
        self.refinenet2 = FeatureFusion(features)
        self.refinenet3 = FeatureFusion(features)
        # The coarsest fusion has nothing to add. Some checkpoints carry the unit nevertheless.
        self.refinenet4 = FeatureFusion(features, adds=sizes.spare_unit)
        self.output_conv1 = conv3(features, features // 2)


class DptTrunk(nn.Module):
    """Everything of the head but its last two convolutions, which are its subclasses'."""

    def __init__(self, sizes: DptSizes) -> None:
        super().__init__()
        channels = sizes.channels
        self.sizes = sizes
        self.projects = nn.ModuleList(nn.Conv2d(sizes.dim_in, c, 1) for c in channels)
        self.resize_layers = nn.ModuleList(
            (
                nn.ConvTranspose2d(channels[0], channels[0], 4, stride=4),
                nn.ConvTranspose2d(channels[1], channels[1], 2, stride=2),
                nn.Identity(),
                conv3(channels[3], channels[3], stride=2),
            )
        )
        self.scratch = Scratch(sizes)

    def placed(self, x: Tensor, _rows: int, _cols: int) -> Tensor:
        """A feature map with what tells it where its pixels lie; here nothing does."""
        return x

    def trunk(self, features: list[Tensor], rows: int, cols: int) -> Tensor:
        """Four maps ``(N, rows * cols, C)`` -> ``(N, features / 2, rows * p, cols * p)``."""
        maps = []
        for feature, project, layer in zip(
            features, self.projects, self.resize_layers, strict=True
        ):
            grid = feature.transpose(1, 2).reshape(feature.shape[0], -1, rows, cols)
            maps.append(layer(self.placed(project(grid), rows, cols)))
        scratch = self.scratch
        m1, m2 = scratch.layer1_rn(maps[0]), scratch.layer2_rn(maps[1])
        m3, m4 = scratch.layer3_rn(maps[2]), scratch.layer4_rn(maps[3])
        path = scratch.refinenet4(m4, None, m3.shape[-2:])
        path = scratch.refinenet3(path, m3, m2.shape[-2:])
        path = scratch.refinenet2(path, m2, m1.shape[-2:])
        path = scratch.refinenet1(path, m1, (2 * m1.shape[-2], 2 * m1.shape[-1]))
        patch = self.sizes.patch_size
        path = resize(scratch.output_conv1(path), (rows * patch, cols * patch))
        return self.placed(path, rows, cols)
