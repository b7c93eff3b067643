import pytest
import torch

from training.stereo.volume import peak_disparity, warp


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
