import pytest
import torch

from training.stereo.config import DISPARITIES, NanoStereoConfig
from training.stereo.model import NanoStereo

Pair = tuple[torch.Tensor, torch.Tensor]


@pytest.fixture(scope="module")
def net() -> NanoStereo:
    torch.manual_seed(0)
    return NanoStereo(NanoStereoConfig()).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def pair() -> Pair:
    generator = torch.Generator().manual_seed(1)
    left, right = torch.randn(2, 2, 3, 64, 96, generator=generator).unbind(0)
    return left, right


def test_it_gives_disparity_and_confidence_of_every_pixel(net: NanoStereo, pair: Pair) -> None:
    disparity, confidence = net(*pair)
    assert disparity.shape == confidence.shape == (2, 64, 96)
    assert disparity.min() >= 0
    assert 0 <= confidence.min() <= confidence.max() <= 1
    stages = net.stages(*pair)
    assert stages.scores.shape == (2, DISPARITIES, 16, 24)
    assert stages.first.shape == (2, 32, 48)


def test_the_pairs_of_a_batch_do_not_mix(net: NanoStereo, pair: Pair) -> None:
    left, right = pair
    both = net.stages(left, right).scores
    alone = net.stages(left[1:], right[1:]).scores
    torch.testing.assert_close(both[1:], alone, atol=1e-4, rtol=1e-4)


def test_it_is_small(net: NanoStereo) -> None:
    assert 2 * sum(p.numel() for p in net.parameters()) < 8e6  # bytes in float16
