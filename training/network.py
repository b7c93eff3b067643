"""The network that is trained: its sizes, its first weights, its input."""

import torch
from torch import Tensor

from training.encoder_weights import load_published
from training.render.rand import constant
from vizion3d.networks.nano.config import LITE2, NanoConfig
from vizion3d.networks.nano.model import Nano
from vizion3d.networks.nano.network import RECIPE

CONFIG = NanoConfig(LITE2)


def normalise(image: Tensor) -> Tensor:
    """RGB in [0, 1], ``(N, 3, H, W)``, by the product's mean and deviation."""
    mean, std = (constant(v, image.device).view(3, 1, 1) for v in (RECIPE.mean, RECIPE.deviation))
    return (image - mean) / std


def new_nano(seed: int) -> Nano:
    """The published encoder under an untrained decoder."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = Nano(CONFIG)
    net.encoder.load_state_dict(load_published(CONFIG.variant).state_dict())
    torch.nn.init.ones_(net.decoder.last[-1].bias)  # on the live side of the last ReLU
    return net
