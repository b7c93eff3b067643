"""The whole network: encoder, head and last activation."""

import torch
from torch import Tensor, nn

from vizion3d.networks.depth_anything_v2.config import NetworkConfig
from vizion3d.networks.dinov2 import Encoder
from vizion3d.networks.dpt import DptTrunk, output_convolutions
from vizion3d.networks.sizes import DptSizes


class Head(DptTrunk):
    """One value a pixel, before the last activation."""

    def __init__(self, sizes: DptSizes) -> None:
        super().__init__(sizes)
        self.scratch.output_conv2 = output_convolutions(sizes.features, 1)

    def forward(self, features: list[Tensor], rows: int, cols: int) -> Tensor:
        """Four maps ``(N, rows * cols, C)`` -> ``(N, 1, rows * p, cols * p)``."""
        out: Tensor = self.scratch.output_conv2(self.trunk(features, rows, cols))
        return out


class DepthAnythingV2(nn.Module):
    """Depth Anything V2 (Yang et al. 2024, arXiv:2406.09414), relative or metric.

    Args:
        config: The sizes of the network.
        max_depth_m: ``None`` for a relative network, whose output is inverse depth (ReLU, higher =
            closer, no unit). Else the range of a metric one, in metres: its output is
            ``sigmoid * max_depth_m`` (higher = farther).
    """

    def __init__(self, config: NetworkConfig, max_depth_m: float | None = None) -> None:
        super().__init__()
        self.config = config
        self.max_depth_m = max_depth_m
        self.pretrained = Encoder(config.encoder)
        self.depth_head = Head(config.head)

    def forward(self, image: Tensor, positions: Tensor | None = None) -> Tensor:
        """Depth of a batch of images.

        Args:
            image: ``(N, 3, H, W)``, RGB normalised with the ImageNet mean and deviation; H and W
                are multiples of the patch size.
            positions: The positional embedding for that size, ``(1, 1 + H/p * W/p, C)``. It is the
                one part that depends on the size in more than shapes: handed in, the rest can be
                converted once for every size.

        Returns:
            ``(N, H, W)``: inverse depth, or metres.
        """
        rows, cols = (side // self.config.patch_size for side in image.shape[-2:])
        if positions is None:
            positions = self.pretrained.positional_embedding(rows, cols)
        depth = self.depth_head(self.pretrained(image, positions), rows, cols).squeeze(1)
        if self.max_depth_m is None:
            return torch.relu(depth)
        return torch.sigmoid(depth) * self.max_depth_m
