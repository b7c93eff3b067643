"""The training loop: losses, schedule, and a run that continues as if it had not been cut."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from training.data import crop
from training.effects import photograph
from training.export import export
from training.losses import anchor_loss, depth_loss
from training.render.rand import Rand
from training.state import PIECE_BYTES, load_state, save_state
from training.train import PLANS, Training, schedule

CPU = torch.device("cpu")


@pytest.fixture
def depths() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(2, 3, 28, 42, generator=generator).unbind(0)


@pytest.mark.parametrize(("scale", "shift"), [(7.0, 0.0), (1.0, -3.0), (0.01, 5.0)])
def test_the_loss_does_not_see_scale_and_shift(depths, scale: float, shift: float) -> None:
    predicted, target = depths
    plain = depth_loss(predicted, target)
    torch.testing.assert_close(
        depth_loss(scale * predicted + shift, target), plain, rtol=1e-3, atol=0
    )
    torch.testing.assert_close(
        depth_loss(predicted, scale * target + shift), plain, rtol=1e-3, atol=0
    )
    assert depth_loss(scale * target + shift, target) < 1e-2


def test_the_loss_sees_an_inverted_depth(depths) -> None:
    assert depth_loss(-depths[1], depths[1]) > 1


def test_noise_costs_little_more_than_a_constant_and_finds_its_way(depths) -> None:
    """An uncertain prediction is drawn to the mean, and an inverted one can still turn round."""
    noise, target = depths
    plain = depth_loss(torch.ones_like(target), target, 0)
    assert depth_loss(noise, target, 0) < 1.05 * plain
    inverted = (-target).requires_grad_()
    depth_loss(inverted, target).backward()
    assert inverted.grad.abs().max() > 0


def test_the_anchor_is_at_rest_on_a_positive_output_of_unit_spread() -> None:
    good = torch.tensor([[[1.0, 3.0]]])
    assert anchor_loss(good) < 1e-6
    assert anchor_loss(good - 3) > 0.1


def test_schedule_warms_up_and_ends_at_zero() -> None:
    rates = [schedule(share / 100, 0.03) for share in range(101)]
    assert rates[0] < 0.1
    assert max(rates) == pytest.approx(1, abs=0.01)
    assert rates[100] == pytest.approx(0, abs=1e-6)


@pytest.mark.slow
def test_a_resumed_run_continues_exactly(tmp_path: Path) -> None:
    plan = replace(PLANS["tiny"], images=16)
    whole = Training(plan, 0, CPU)
    losses = [whole.advance() for _ in range(3)]
    first = Training(plan, 0, CPU)
    first.advance()
    first.save(tmp_path / "state")
    second = Training(plan, 0, CPU)
    second.load(tmp_path / "state")
    assert torch.equal(torch.stack([second.advance() for _ in range(2)]), torch.stack(losses[1:]))
    for ours, theirs in zip(second.ema.parameters(), whole.ema.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    with pytest.raises(ValueError, match="--seed 0"):
        Training(plan, 1, CPU).load(tmp_path / "state")
    assert export(tmp_path / "state", tmp_path / "nano.safetensors") < 14e6


def test_state_is_kept_in_small_pieces(tmp_path: Path) -> None:
    tensors = {f"t{i}": torch.full((1 << 20,), float(i)) for i in range(9)}
    save_state(tmp_path / "state", tensors, {"step": 3})
    save_state(tmp_path / "state", tensors, {"step": 4})
    sizes = [path.stat().st_size for path in (tmp_path / "state").iterdir()]
    assert max(sizes) <= PIECE_BYTES + 4096 < 16 << 20
    loaded, meta = load_state(tmp_path / "state")
    assert meta == {"step": 4}
    assert all(torch.equal(loaded[name], tensor) for name, tensor in tensors.items())


def test_cropping_keeps_image_and_depth_together() -> None:
    ramp = torch.linspace(0.1, 1, 64)[None, None, None].expand(2, 3, 48, 64)
    image, inverse = crop(Rand(0), ramp, ramp[:, 0], (42, 56))
    assert image.shape == (2, 3, 42, 56)
    torch.testing.assert_close(image[:, 0], inverse, rtol=0, atol=0.02)


def test_camera_effects_stay_in_range_and_follow_the_seed() -> None:
    image = torch.rand(4, 3, 42, 56, generator=torch.Generator().manual_seed(0))
    inverse = image[:, 0]
    first, again = (photograph(Rand(5), image, inverse) for _ in range(2))
    assert torch.equal(first, again)
    assert 0 <= first.min() <= first.max() <= 1
