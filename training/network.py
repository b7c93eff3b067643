"""The network that is trained: its sizes, its first weights, its input."""

import math

import torch
from torch import Tensor, nn

from training.render.rand import constant
from vizion3d.networks.depth_anything_v2.config import NetworkConfig
from vizion3d.networks.depth_anything_v2.model import DepthAnythingV2
from vizion3d.networks.depth_anything_v2.network import RECIPE

NANO = NetworkConfig(embed_dim=192, depth=12, features=32, head_channels=(24, 48, 96, 192))


def normalise(image: Tensor) -> Tensor:
    """RGB in [0, 1], ``(N, 3, H, W)``, with the ImageNet mean and deviation."""
    mean, deviation = (
        constant(v, image.device).view(3, 1, 1) for v in (RECIPE.mean, RECIPE.deviation)
    )
    return (image - mean) / deviation


def raw_depth(net: DepthAnythingV2, image: Tensor) -> Tensor:
    """``(N, H, W)`` inverse depth before the last ReLU, whose dead side has no gradient."""
    rows, cols = (side // net.config.patch_size for side in image.shape[-2:])
    positions = net.pretrained.positional_embedding(rows, cols)
    out: Tensor = net.depth_head(net.pretrained(image, positions), rows, cols).squeeze(1)
    return out


def new_nano(seed: int) -> DepthAnythingV2:
    """An untrained network."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = DepthAnythingV2(NANO)
        for module in net.pretrained.modules():
            if isinstance(module, nn.Linear | nn.Conv2d):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)
        for block in net.pretrained.blocks:
            nn.init.constant_(block.ls1.gamma, 0.5)
            nn.init.constant_(block.ls2.gamma, 0.5)
        nn.init.trunc_normal_(net.pretrained.cls_token, std=0.02)
        # Neighbouring pixels are alike: a larger start lets patches differ as much as positions do.
        net.pretrained.patch_embed.proj.weight.data *= 2
        net.pretrained.pos_embed.data[0, 1:] = _waves(NANO.position_grid, NANO.embed_dim)
        # Start on the live side of the last ReLU.
        nn.init.ones_(net.depth_head.scratch.output_conv2[2].bias)
    return net


def _waves(grid: int, dim: int) -> Tensor:
    """``(grid * grid, dim)`` sines and cosines of row and column.

    The shortest wave is a quarter of the image: short images resample the grid to few patches, and
    shorter waves would alias.
    """
    at = (torch.arange(grid) + 0.5) / grid
    cycles = torch.logspace(math.log2(0.25), math.log2(4.0), dim // 4, base=2)
    phase = 2 * math.pi * at[:, None] * cycles
    wave = 0.4 * torch.cat((phase.sin(), phase.cos()), dim=-1)
    rows, cols = wave[:, None].expand(-1, grid, -1), wave[None].expand(grid, -1, -1)
    return torch.cat((rows, cols), dim=-1).flatten(0, 1)
