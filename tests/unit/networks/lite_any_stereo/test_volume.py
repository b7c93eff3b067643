import torch

from vizion3d.networks.lite_any_stereo.volume import correlation, expected_disparity, upsample


def test_the_best_correlation_is_at_the_disparity() -> None:
    right = torch.randn(1, 8, 3, 20, generator=torch.Generator().manual_seed(0))
    left = right.roll(3, dims=3)
    volume = correlation(left, right, disparities=6, groups=2)
    assert volume.shape == (1, 2, 6, 3, 20)
    assert (volume.mean(1)[..., 6:].argmax(1) == 3).all()


def test_enlarged_disparity_is_as_much_larger() -> None:
    weights = torch.full((1, 9, 4, 6), -20.0)
    weights[:, 4] = 0  # the middle one
    doubled = upsample(torch.tensor([[[[1.0, 2, 3], [4, 5, 6]]]]), weights, factor=2)
    expected = torch.tensor([[2.0, 2, 4, 4, 6, 6], [8, 8, 10, 10, 12, 12]]).repeat_interleave(2, 0)
    torch.testing.assert_close(doubled[0], expected, atol=1e-5, rtol=0)


def test_disparities_are_exact_whatever_the_precision_of_the_rest() -> None:
    """In bf16 the mean would be 20.375 and the enlarged 81.5."""
    scores = torch.full((1, 48, 1, 1), -30.0, dtype=torch.bfloat16)
    scores[:, 20:22] = torch.tensor([0.0, -0.5]).view(1, 2, 1, 1)
    share = torch.sigmoid(torch.tensor(-0.5))
    disparity = expected_disparity(scores)
    torch.testing.assert_close(disparity, (20 + share).view(1, 1, 1, 1), atol=1e-4, rtol=0)
    weights = torch.full((1, 9, 4, 4), -30.0, dtype=torch.bfloat16)
    weights[:, 4] = 0
    enlarged = upsample(disparity, weights)
    torch.testing.assert_close(enlarged, (80 + 4 * share).expand(1, 4, 4), atol=1e-3, rtol=0)
