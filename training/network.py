"""The network that is trained: its sizes, its first weights, its input."""

from typing import TypeVar

import torch
from torch import Tensor, nn

from training.encoder_weights import load_published
from training.render.rand import constant
from vizion3d.networks.nano.config import LITE2, NanoConfig
from vizion3d.networks.nano.model import Nano
from vizion3d.networks.nano.network import RECIPE

N = TypeVar("N", bound=nn.Module)

CONFIG = NanoConfig(LITE2)


def normalise(image: Tensor) -> Tensor:
    """RGB in [0, 1], ``(N, 3, H, W)``, by the product's mean and deviation."""
    mean, std = (constant(v, image.device).view(3, 1, 1) for v in (RECIPE.mean, RECIPE.deviation))
    return (image - mean) / std


def in_channels_last(net: N) -> N:
    """The network, its weights laid out for images ``(N, H, W, C)``."""
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in torch's stubs
    return net


def new_nano(seed: int) -> Nano:
    """The published encoder under an untrained decoder."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = Nano(CONFIG)
    net.encoder.load_state_dict(load_published(CONFIG.variant).state_dict())
    bias = net.decoder.last[-1].bias
    assert isinstance(bias, Tensor)
    torch.nn.init.ones_(bias)  # on the live side of the last ReLU
    return net
