"""What each image is described by: FasterNet-T0, and a pyramid that brings its stages together."""

from torch import Tensor, nn

from vizion3d.networks.lite_any_stereo.config import FEATURE_BLOCKS, FEATURE_CHANNELS
from vizion3d.networks.lite_any_stereo.layers import FasterNetBlock, InstanceNorm, Merge, Unit


class PatchEmbed(nn.Module):
    """One linear map a square of 4 x 4 pixels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, channels, 4, stride=4, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, image: Tensor) -> Tensor:
        """``(N, 3, H, W)`` -> ``(N, C, H/4, W/4)``."""
        out: Tensor = self.norm(self.proj(image))
        return out


class Halving(nn.Module):
    """Half the size, twice the channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduction = nn.Conv2d(channels // 2, channels, 2, stride=2, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C/2, H, W)`` -> ``(N, C, H/2, W/2)``."""
        out: Tensor = self.norm(self.reduction(x))
        return out


class Stage(nn.Module):
    """Blocks at one size, after a halving where ``halves``."""

    def __init__(self, channels: int, blocks: int, *, halves: bool) -> None:
        super().__init__()
        self.downsample = Halving(channels) if halves else nn.Identity()
        self.blocks = nn.Sequential(*(FasterNetBlock(channels, 2) for _ in range(blocks)))

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)``, or ``(N, C/2, 2 H, 2 W)`` to be halved -> ``(N, C, H, W)``."""
        out: Tensor = self.blocks(self.downsample(x))
        return out


class FasterNet(nn.Module):
    """The backbone, FasterNet-T0 (Chen et al. 2023, arXiv:2303.03667)."""

    def __init__(self) -> None:
        super().__init__()
        self.patch_embed = PatchEmbed(FEATURE_CHANNELS[0])
        stages = zip(FEATURE_CHANNELS, FEATURE_BLOCKS, strict=True)
        self.stages_0, self.stages_1, self.stages_2, self.stages_3 = (
            Stage(channels, blocks, halves=index > 0)
            for index, (channels, blocks) in enumerate(stages)
        )

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """``(N, 3, H, W)`` -> features at 1/4, 1/8, 1/16 and 1/32 of the size."""
        at_4 = self.stages_0(self.patch_embed(image))
        at_8 = self.stages_1(at_4)
        at_16 = self.stages_2(at_8)
        return at_4, at_8, at_16, self.stages_3(at_16)


class FeatureNet(nn.Module):
    """``(N, 3, H, W)`` -> features at 1/4, 1/8 and 1/16, ``(N, 40 | 80 | 160, ...)``."""

    def __init__(self) -> None:
        super().__init__()
        at_4, at_8, at_16, at_32 = FEATURE_CHANNELS
        self.backbone = FasterNet()
        self.fpn_layer4 = Merge(at_32, at_16)
        self.fpn_layer3 = Merge(at_16, at_8)
        self.fpn_layer2 = Merge(at_8, at_4)
        last = nn.Conv2d(at_4, at_4, 3, padding=1, bias=False, padding_mode="replicate")
        self.out_conv = Unit(last, InstanceNorm())

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """``(N, 3, H, W)``, H and W multiples of 32."""
        at_4, at_8, at_16, at_32 = self.backbone(image)
        at_16 = self.fpn_layer4(at_32, at_16)
        at_8 = self.fpn_layer3(at_16, at_8)
        return self.out_conv(self.fpn_layer2(at_8, at_4)), at_8, at_16
