"""The monocular architecture: one photo in, depth and sky out."""

from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from vizion3d.networks.depth_anything_3.config import NetworkConfig
from vizion3d.networks.dinov2 import Encoder
from vizion3d.networks.dpt import DptTrunk, output_convolutions
from vizion3d.networks.sizes import DptSizes

FOCAL_PX = 300.0
"""Focal length of the camera whose metres DA3Metric gives (official README)."""


class DepthAndSkyHead(DptTrunk):
    """Two values a pixel from one trunk: depth and sky."""

    def __init__(self, sizes: DptSizes) -> None:
        super().__init__(sizes)
        self.scratch.output_conv2 = output_convolutions(sizes.features, 1)
        self.scratch.sky_output_conv2 = output_convolutions(sizes.features, 1)

    def forward(self, features: list[Tensor], rows: int, cols: int) -> tuple[Tensor, Tensor]:
        """Four maps ``(N, rows * cols, C)`` -> depth and sky, each ``(N, rows * p, cols * p)``."""
        path = self.trunk(features, rows, cols)
        depth = torch.exp(self.scratch.output_conv2(path).squeeze(1))
        sky = torch.relu(self.scratch.sky_output_conv2(path).squeeze(1))
        return depth, sky


E = TypeVar("E", bound=nn.Module)


class Backbone(nn.Module, Generic[E]):
    """The name under which a checkpoint keeps the encoder."""

    pretrained: E

    def __init__(self, encoder: E) -> None:
        super().__init__()
        self.pretrained = encoder


class MonocularDepthAnything3(nn.Module):
    """DA3Mono and DA3Metric: a plain DINOv2 encoder and a DPT head with two outputs.

    Args:
        config: The sizes of the network.
        metric: Whether its depth is that of a camera of 300 pixels' focal length, in metres.
    """

    def __init__(self, config: NetworkConfig, *, metric: bool = False) -> None:
        super().__init__()
        self.config = config
        self.metric = metric
        self.backbone = Backbone(Encoder(config.encoder))
        self.head = DepthAndSkyHead(config.head)

    def forward(self, image: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Depth and sky of a batch of images.

        Args:
            image: ``(N, 3, H, W)``, RGB normalised with the ImageNet mean and deviation; H and W
                are multiples of the patch size.
            positions: The positional embedding for that size, ``(1, 1 + H/p * W/p, C)``.

        Returns:
            Depth, above 0, higher = farther, and sky, 0 or more (0.3 and above is sky); both
            ``(N, H, W)``. A metric network's depth is in metres per pixel of focal length.
        """
        rows, cols = (side // self.config.encoder.patch_size for side in image.shape[-2:])
        features = self.backbone.pretrained(image, positions)
        depth, sky = self.head([feature.float() for feature in features], rows, cols)
        return depth / FOCAL_PX if self.metric else depth, sky
