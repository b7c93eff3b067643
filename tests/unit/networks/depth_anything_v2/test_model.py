import torch

from tests.support.checkpoints import TINY, seeded_network
from vizion3d.networks.dinov2 import Encoder


def test_a_batch_gives_what_its_images_give_alone() -> None:
    network = seeded_network(TINY)
    images = torch.randn(3, 3, 42, 56, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        together = network(images)
        alone = torch.cat([network(image[None]) for image in images])
    assert together.shape == (3, 42, 56)
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_relative_output_is_not_negative_and_metric_output_stays_in_its_range() -> None:
    image = 3 * torch.randn(1, 3, 56, 56, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        assert seeded_network(TINY)(image).min() >= 0
        metric = seeded_network(TINY, max_depth_m=80.0)(image)
    assert 0 <= metric.min() < metric.max() <= 80


def test_the_stored_positions_are_used_as_they_are_on_their_own_grid() -> None:
    encoder = Encoder(TINY.encoder)
    assert encoder.positional_embedding(37, 37) is encoder.pos_embed
    assert encoder.positional_embedding(37, 49).shape == (1, 1 + 37 * 49, 64)
