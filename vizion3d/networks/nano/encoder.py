"""EfficientNet-Lite, the encoder: five feature maps of an image.

Tan and Le 2019 (arXiv:1905.11946), in the "Lite" form without squeeze-and-excitation and with
ReLU6. Batch normalisation is folded into the convolutions before it, so that every layer is a
convolution with a bias.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from vizion3d.networks.nano.config import TAPS, EncoderConfig

EXPANSIONS = (1, 6, 6, 6, 6, 6, 6)
KERNELS_PX = (3, 3, 5, 3, 5, 5, 3)
STRIDES = (1, 2, 2, 2, 1, 2, 1)
STEM_CHANNELS = 32


class SameConv(nn.Conv2d):
    """A convolution padded the way TensorFlow pads: at stride 2, one more after than before."""

    def __init__(
        self, channels_in: int, channels_out: int, kernel: int, stride: int, groups: int = 1
    ) -> None:
        total = kernel - stride
        self.uneven = (total // 2, total - total // 2) if stride > 1 else None
        padding = 0 if self.uneven else total // 2
        super().__init__(channels_in, channels_out, kernel, stride, padding, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` -> ``(N, c, H / stride, W / stride)``."""
        return super().forward(F.pad(x, self.uneven * 2) if self.uneven else x)


class Block(nn.Module):
    """Expand, filter each channel, project; add the input where the shapes agree."""

    def __init__(
        self, channels_in: int, channels_out: int, expansion: int, kernel: int, stride: int
    ) -> None:
        super().__init__()
        inner = channels_in * expansion
        self.expand = nn.Conv2d(channels_in, inner, 1) if expansion > 1 else None
        self.depthwise = SameConv(inner, inner, kernel, stride, groups=inner)
        self.project = nn.Conv2d(inner, channels_out, 1)
        self.adds = stride == 1 and channels_in == channels_out

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` -> ``(N, c, H / stride, W / stride)``."""
        inner = x if self.expand is None else F.relu6(self.expand(x))
        out: Tensor = self.project(F.relu6(self.depthwise(inner)))
        return out + x if self.adds else out


class Encoder(nn.Module):
    """``(N, 3, H, W)`` normalised RGB -> the maps of `TAPS`, finest first."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.stem = SameConv(3, STEM_CHANNELS, 3, 2)
        channels, stages = STEM_CHANNELS, []
        kinds = list(zip(EXPANSIONS, KERNELS_PX, STRIDES, strict=True))[: len(config.widths)]
        for width, repeat, (expansion, kernel, stride) in zip(
            config.widths, config.repeats, kinds, strict=True
        ):
            blocks = [Block(channels, width, expansion, kernel, stride)]
            blocks += [Block(width, width, expansion, kernel, 1) for _ in range(repeat - 1)]
            stages.append(nn.Sequential(*blocks))
            channels = width
        self.stages = nn.ModuleList(stages)

    def forward(self, x: Tensor) -> list[Tensor]:
        """The maps, finest first; see the class."""
        x, maps = F.relu6(self.stem(x)), []
        for index, stage in enumerate(self.stages):
            x = stage(x)
            if index in TAPS:
                maps.append(x)
        return maps
