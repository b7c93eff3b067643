"""Our network against transformers' implementation of it, on the same full-size weights."""

import pytest
import torch

from tests.support.checkpoints import TINY, VITB, VITS, seeded_network
from tests.support.peer import give_official_positions, to_transformers
from vizion3d.networks.depth_anything_v2.config import NetworkConfig

pytestmark = pytest.mark.full_size

TRAINING_SIZE = (518, 518)
# Smaller and larger than the training size along each axis, and a panorama; the wider network is
# the same code.
SIZES = {"vits": [(602, 252), (252, 602), (140, 1036)], "vitb": [(252, 378)]}


def smooth_image(height: int, width: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(height * width)
    coarse = torch.randn(1, 3, height // 28, width // 28, generator=generator)
    return torch.nn.functional.interpolate(coarse, size=(height, width), mode="bicubic")


def deviation(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """Largest difference as a share of the reference's range."""
    spread = theirs.max() - theirs.min()
    assert spread > 1, "a reference without contrast would prove nothing"
    return float((ours - theirs).abs().max() / spread)


@pytest.mark.parametrize(("name", "config"), [("vits", VITS), ("vitb", VITB)])
@torch.inference_mode()
def test_network_equals_transformers_at_every_size(name: str, config: NetworkConfig) -> None:
    network = seeded_network(config)
    peer = to_transformers(network)
    give_official_positions(peer)
    for height, width in SIZES[name]:
        image = smooth_image(height, width)
        assert deviation(network(image), peer(image).predicted_depth) < 1e-5, (height, width)


@torch.inference_mode()
def test_at_the_training_size_transformers_own_positions_are_the_official_ones() -> None:
    network = seeded_network(VITS)
    image = smooth_image(*TRAINING_SIZE)
    ours = network(image)
    assert deviation(ours, to_transformers(network)(image).predicted_depth) < 1e-5


@torch.inference_mode()
def test_metric_head_equals_transformers() -> None:
    network = seeded_network(TINY, max_depth_m=20.0)
    image = smooth_image(518, 518)
    ours = network(image)
    assert deviation(ours, to_transformers(network)(image).predicted_depth) < 1e-5
    assert ours.min() > 0
    assert ours.max() < 20
