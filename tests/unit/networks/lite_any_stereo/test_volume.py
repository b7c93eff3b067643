import torch

from vizion3d.networks.lite_any_stereo.volume import correlation, upsample


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
