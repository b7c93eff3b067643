"""The encoder, beside an implementation that is not ours."""

import pytest
import torch
from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor, nn

from training.encoder_weights import convert
from vizion3d.networks.nano.config import PUBLISHED, TAPS
from vizion3d.networks.nano.encoder import Encoder

SIZE = (96, 96)
"""The reference implementation pads for one square size, which it is made with."""


def reference(variant: str) -> EfficientNet:
    """Weights and statistics of a seed, the latter far from those of an untrained network."""
    torch.manual_seed(3)
    network = EfficientNet.from_name(f"efficientnet-{variant}", image_size=SIZE[0])
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.3)
            assert module.running_mean is not None
            assert module.running_var is not None
            nn.init.normal_(module.running_mean, std=0.3)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
    return network.eval()


def maps_of(network: EfficientNet, image: Tensor, last: list[int]) -> list[Tensor]:
    x, maps = network._swish(network._bn0(network._conv_stem(image))), []
    for index, block in enumerate(network._blocks):
        x = block(x)
        if index in last:
            maps.append(x)
    return maps


@pytest.mark.parametrize("variant", PUBLISHED)
@torch.inference_mode()
def test_maps_are_those_of_the_reference(variant: str) -> None:
    config, network = PUBLISHED[variant], reference(variant)
    encoder = Encoder(config).eval()
    encoder.load_state_dict(convert(network.state_dict(), config))
    image = torch.randn(2, 3, *SIZE)
    last = [sum(config.repeats[: tap + 1]) - 1 for tap in TAPS]
    for ours, theirs in zip(encoder(image), maps_of(network, image, last), strict=True):
        assert ours.shape == theirs.shape
        scale = theirs.abs().max()
        torch.testing.assert_close(ours / scale, theirs / scale, rtol=0, atol=1e-5)
