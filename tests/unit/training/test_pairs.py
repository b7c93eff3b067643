"""Stereo pairs of the renderer: the disparity is the shift between the images."""

import pytest
import torch

from training.effects import photograph_pair
from training.render import Renderer
from training.render.pairs import Pairs, compare, render_pairs
from training.render.rand import Rand
from training.stereo.data import PairPlan, PairSource, shrink
from training.stereo.volume import warp

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(3)


@pytest.fixture(scope="module")
def pairs(renderer: Renderer) -> Pairs:
    return render_pairs(renderer, 2, (64, 96), (6.0, 16.0), misalignment_px=0)


def test_the_right_image_moved_by_the_disparity_is_the_left_one(pairs: Pairs) -> None:
    moved = warp(pairs.right, pairs.disparity[:, None])
    difference = (moved - pairs.left).abs().mean(1)
    shifted = (pairs.right - pairs.left).abs().mean(1)
    assert difference[pairs.seen].mean() < 0.02
    assert difference[pairs.seen].mean() < 0.4 * shifted[pairs.seen].mean()
    assert pairs.seen.float().mean() > 0.6
    assert pairs.known.float().mean() > 0.98


def test_something_nearer_hides_what_is_behind_it() -> None:
    """A near strip at columns 8 to 11, 4 px before a wall of disparity 1: the right image shows it
    at columns 3 to 6, over what the left one shows at 4 to 7; column 7 lies beside what is seen."""
    left, right = torch.ones(1, 1, 16), torch.ones(1, 1, 16)
    left[..., 8:12], right[..., 3:7] = 5.0, 5.0
    seen, known = compare(left, right)
    hidden = [i for i in range(16) if not seen[0, 0, i]]
    assert hidden == [0, 4, 5, 6]
    assert known.all()
    seen, known = compare(left, torch.ones(1, 1, 16))  # the strip is missing in the right image
    assert [i for i in range(16) if not known[0, 0, i]] == [8, 9, 10, 11]
    assert not seen[0, 0, 8:12].any()


def test_smaller_pairs_have_smaller_disparities(pairs: Pairs) -> None:
    rand = Rand(0)
    ramp = torch.linspace(2, 8, 96).expand(2, 64, 96).clone()
    pairs = Pairs(**{**vars(pairs), "disparity": ramp})
    small = shrink(rand, pairs, (32, 64))
    assert small.left.shape == (2, 3, 32, 64)
    ratio = (small.disparity[0, 0, -1] - small.disparity[0, 0, 0]) / (6 * 64 / 96)
    assert 0.95 < ratio < 1.01  # the slope in px per px does not change
    assert not small.seen[:, :, :2].any()


def test_the_eyes_have_noise_of_their_own(pairs: Pairs) -> None:
    images, depths = (pairs.left, pairs.left), (pairs.inverse_left, pairs.inverse_left)
    left, right = photograph_pair(Rand(1), images, depths)
    assert (left != right).flatten(1).any(1).all()
    again = photograph_pair(Rand(1), images, depths)
    assert torch.equal(again[1], right)
    assert 0 <= right.min() <= right.max() <= 1


@pytest.mark.slow
def test_a_source_uses_what_is_rendered_again(renderer: Renderer) -> None:
    plan = PairPlan((64, 96), (32, 64), 2, nearest_px=(4.0, 10.0), reuse=2, kept=2)
    source, rand = PairSource(renderer, plan), Rand(5)
    first, second = source.batch(rand), source.batch(rand)
    assert len(source.rendered) == 1
    assert first.left.shape == (2, 3, 32, 64)
    assert not torch.equal(first.left, second.left)
    source.batch(rand)
    assert len(source.rendered) == 2
