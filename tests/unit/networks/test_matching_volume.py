import pytest
import torch

from vizion3d.networks.matching_volume import correlation, peak_disparity, upsample, warp


def test_the_best_correlation_is_at_the_disparity() -> None:
    right = torch.randn(1, 8, 3, 20, generator=torch.Generator().manual_seed(0))
    left = right.roll(3, dims=3)
    volume = correlation(left, right, disparities=6, groups=2)
    assert volume.shape == (1, 2, 6, 3, 20)
    assert (volume.mean(1)[..., 6:].argmax(1) == 3).all()


def test_two_peaks_are_not_averaged() -> None:
    scores = torch.zeros(1, 12, 1, 2)
    scores[0, 2] = 8.0
    scores[0, 9, 0, 0] = 7.9
    scores[0, 3, 0, 1] = 8.0
    disparity, share = peak_disparity(scores)
    assert disparity[0, 0, 0].tolist() == pytest.approx([2.0, 2.5], abs=0.01)  # and not 5.5
    assert 0.5 < share[0, 0, 0, 0] < 0.53
    assert share[0, 0, 0, 1] > 0.98


def test_what_is_warped_lies_where_its_partner_was() -> None:
    right = torch.arange(8.0).expand(1, 2, 3, 8)
    disparity = torch.full((1, 1, 3, 8), 1.25)
    expected = (torch.arange(8.0) - 1.25).clamp_min(0)
    torch.testing.assert_close(warp(right, disparity), expected.expand(1, 2, 3, 8))


def test_enlarged_disparity_is_as_much_larger() -> None:
    weights = torch.full((1, 9, 4, 6), -20.0)
    weights[:, 4] = 0  # the middle one
    doubled = upsample(torch.tensor([[[[1.0, 2, 3], [4, 5, 6]]]]), weights, factor=2)
    expected = torch.tensor([[2.0, 2, 4, 4, 6, 6], [8, 8, 10, 10, 12, 12]]).repeat_interleave(2, 0)
    torch.testing.assert_close(doubled[0], expected, atol=1e-5, rtol=0)
