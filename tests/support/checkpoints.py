"""Checkpoints for tests: real architecture, seeded weights, output that varies over the image."""

from pathlib import Path

import torch
from torch import Tensor, nn

from tests.support.fakes import TINY as TINY
from vizion3d.checkpoints.store import Checkpoint, CheckpointStore
from vizion3d.networks.depth_anything_v2.config import NetworkConfig
from vizion3d.networks.depth_anything_v2.model import DepthAnythingV2

VITS = NetworkConfig(embed_dim=384, depth=12, features=64, head_channels=(48, 96, 192, 384))
VITB = NetworkConfig(embed_dim=768, depth=12, features=128, head_channels=(96, 192, 384, 768))
VITL = NetworkConfig(embed_dim=1024, depth=24, features=256, head_channels=(256, 512, 1024, 1024))


@torch.no_grad()
def seeded_network(
    config: NetworkConfig, seed: int = 0, max_depth_m: float | None = None, smooth: bool = False
) -> DepthAnythingV2:
    """A network with seeded weights whose output has mean 3 and deviation 1 on noise.

    ``smooth`` leaves next to nothing but the coarsest of its four maps: surfaces without jumps, of
    which clouds keep their points.

    Random weights alone end in a ReLU that is zero everywhere, and an output without contrast would
    agree with anything.
    """
    generator = torch.Generator().manual_seed(seed)
    network = DepthAnythingV2(config, max_depth_m).eval()
    for name, parameter in network.named_parameters():
        if "norm" in name and name.endswith("weight"):
            parameter.normal_(1.0, 0.1, generator=generator)
        elif name.endswith("gamma"):
            parameter.normal_(0.5, 0.2, generator=generator)
        elif parameter.ndim < 2:
            parameter.normal_(0.0, 0.05, generator=generator)
        else:
            fan_in = parameter[0].numel() if parameter.ndim != 3 else 4.0
            parameter.normal_(0.0, fan_in**-0.5, generator=generator)
    if smooth:
        for name in ("layer1_rn", "layer2_rn", "layer3_rn"):
            getattr(network.depth_head.scratch, name).weight.mul_(1e-3)
    # Smooth noise: patches that differ, as those of a photo do.
    noise = torch.randn(1, 3, 9, 9, generator=generator)
    image = torch.nn.functional.interpolate(noise, size=(126, 126), mode="bicubic")
    positions = network.pretrained.positional_embedding(9, 9)
    before = network.depth_head(network.pretrained(image, positions), 9, 9)
    layers = network.depth_head.scratch.output_conv2
    assert isinstance(layers, nn.Sequential)
    last = layers[2]
    assert isinstance(last, nn.Conv2d)
    assert last.bias is not None
    scale = 1 / before.std()
    last.weight.mul_(scale)
    last.bias.sub_(before.mean()).mul_(scale)
    if max_depth_m is None:
        last.bias.add_(3.0)
    return network


def state_dict(network: DepthAnythingV2) -> dict[str, Tensor]:
    return {name: tensor.contiguous() for name, tensor in network.state_dict().items()}


def save_checkpoint(
    path: Path,
    config: NetworkConfig = TINY,
    seed: int = 0,
    max_depth_m: float | None = None,
    smooth: bool = False,
) -> Path:
    """Write a seeded checkpoint as ``.pth`` or ``.safetensors``, by the path's suffix."""
    from safetensors.torch import save_file

    tensors = state_dict(seeded_network(config, seed, max_depth_m, smooth))
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".safetensors":
        save_file(tensors, path)
    else:
        torch.save(tensors, path)
    return path


def checkpoint_at(path: Path) -> Checkpoint:
    """A file as the store reads it."""
    return CheckpointStore(path.parent).read(path).checkpoint
