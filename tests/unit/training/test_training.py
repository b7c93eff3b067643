"""The training loop: losses, schedule, and a run that continues as if it had not been cut."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from training.ahead import Ahead
from training.data import Pool, Stage, crop, merge
from training.effects import photograph
from training.encoder_weights import load_published
from training.export import averaged_weights, best_path, export
from training.losses import anchor_loss, depth_loss, relative_loss
from training.optimizer import schedule
from training.plans import PLANS
from training.real import Scene, compare
from training.render import Renderer
from training.render.rand import Rand
from training.state import PIECE_BYTES, load_state, save_state
from training.train import FROZEN, Selection, Training

CPU = torch.device("cpu")


@pytest.fixture
def depths() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    predicted, target = torch.rand(2, 3, 28, 42, generator=generator).unbind(0)
    return predicted, target


@pytest.mark.parametrize(("scale", "shift"), [(7.0, 0.0), (1.0, -3.0), (0.01, 5.0)])
def test_the_loss_does_not_see_scale_and_shift(
    depths: tuple[Tensor, Tensor], scale: float, shift: float
) -> None:
    predicted, target = depths
    plain = depth_loss(predicted, target)
    torch.testing.assert_close(
        depth_loss(scale * predicted + shift, target), plain, rtol=1e-3, atol=0
    )
    torch.testing.assert_close(
        depth_loss(predicted, scale * target + shift), plain, rtol=1e-3, atol=0
    )
    assert depth_loss(scale * target + shift, target) < 1e-2


def test_the_loss_sees_an_inverted_depth(depths: tuple[Tensor, Tensor]) -> None:
    assert depth_loss(-depths[1], depths[1]) > 1


def test_noise_costs_little_more_than_a_constant_and_finds_its_way(
    depths: tuple[Tensor, Tensor],
) -> None:
    """An uncertain prediction is drawn to the mean, and an inverted one can still turn round."""
    noise, target = depths
    plain = depth_loss(torch.ones_like(target), target, 0)
    assert depth_loss(noise, target, 0) < 1.05 * plain
    inverted = (-target).requires_grad_()
    depth_loss(inverted, target).backward()
    assert inverted.grad is not None
    assert inverted.grad.abs().max() > 0


def test_the_relative_loss_does_not_see_scale_and_shift_and_weighs_what_is_far() -> None:
    target = torch.linspace(0.1, 1, 64).view(1, 8, 8)
    assert relative_loss(5 * target + 3, target) < 1e-5
    far, near = target.clone(), target.clone()
    far[0, 0, 0] += 0.05
    near[0, -1, -1] += 0.05
    assert relative_loss(far, target) > 2 * relative_loss(near, target)
    sky = target.clone()
    sky[0, 0] = 0
    assert torch.isfinite(relative_loss(target, sky))


def test_the_anchor_is_at_rest_on_a_positive_output_of_unit_spread() -> None:
    good = torch.tensor([[[1.0, 3.0]]])
    assert anchor_loss(good) < 1e-6
    assert anchor_loss(good - 3) > 0.1


def test_schedule_warms_up_and_ends_at_zero() -> None:
    rates = [schedule(share / 100, 0.03, 0.25) for share in range(101)]
    assert rates[0] < 0.1
    assert rates[10] == rates[70] == 1
    assert 0.3 < rates[90] < 0.5
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
    assert export(tmp_path / "state", tmp_path / "nano.safetensors") < 20e6


@pytest.mark.slow
def test_training_starts_from_the_published_encoder_and_leaves_its_first_layers() -> None:
    training = Training(PLANS["tiny"], 0, CPU)
    published = load_published("lite2").state_dict()
    for name, tensor in training.net.encoder.state_dict().items():
        assert torch.equal(tensor, published[name]), name
    training.advance()
    training.advance()
    for name, tensor in training.net.encoder.state_dict().items():
        kept = f"encoder.{name}".startswith(FROZEN)
        assert torch.equal(tensor, published[name]) == kept, name


@pytest.mark.slow
def test_the_encoder_is_pulled_back_to_its_first_weights() -> None:
    free = replace(PLANS["tiny"], pull=0.0)
    runs = {
        name: Training(plan, 0, CPU)
        for name, plan in (("free", free), ("tied", replace(free, pull=0.5)))
    }
    published = load_published("lite2").state_dict()

    def distance(training: Training) -> float:
        weights = training.net.encoder.state_dict()
        return sum(float((weights[k] - published[k]).square().sum()) for k in published)

    for run in runs.values():
        run.advance()
        run.advance()
    assert 0 < distance(runs["tied"]) < 0.5 * distance(runs["free"])


@pytest.mark.slow
def test_the_weights_that_did_best_on_real_scenes_are_exported(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    inverse = np.broadcast_to(np.linspace(0.2, 1, 64)[:, None], (64, 96)).copy()
    photo = rng.integers(0, 255, (64, 96, 3), dtype=np.uint8)
    scene = Scene("noise", photo, inverse, np.ones((64, 96), bool))
    training, state = Training(PLANS["tiny"], 0, CPU), tmp_path / "state"
    training.save(state)
    selection = Selection([scene], state)
    first = selection.consider(training)
    assert first.keys() == {"real", "noise"}
    training.curve.append({"images": 0, **first})
    kept = load_file(best_path(state))
    with torch.no_grad():
        for parameter in training.ema.decoder.parameters():
            parameter.zero_()  # a constant depth is far worse than the ramp
    assert selection.consider(training)["real"] > first["real"]
    chosen = averaged_weights(state)
    assert all(torch.equal(chosen[name], tensor) for name, tensor in kept.items())
    training.save(state)
    latest = averaged_weights(state, latest=True)
    assert all(not tensor.any() for name, tensor in latest.items() if name.startswith("decoder."))


def test_comparison_is_with_the_best_predictor_that_does_not_look() -> None:
    inverse = np.broadcast_to(np.linspace(0.2, 1, 60)[:, None], (60, 80)).copy()
    inverse[10:30, 20:50] = 2.0
    photo = np.zeros((60, 80, 3), np.uint8)
    scene = Scene("box", photo, inverse, np.ones((60, 80), bool))
    assert compare(lambda _: 3 * inverse + 1, [scene]) == {"mean": 0, "box": 0}
    ramp = np.broadcast_to(np.arange(60.0)[:, None], (60, 80))
    assert compare(lambda _: ramp, [scene])["mean"] >= 1


@pytest.mark.slow
def test_a_pool_gives_images_of_the_sizes_in_turn_and_survives_a_restart(tmp_path: Path) -> None:
    stage = Stage(1.0, (48, 64), ((32, 64), (64, 32)), 2, 0.5)
    pool = Pool(Renderer(0), stage, reuse=4, capacity=6, folder=tmp_path / "pool")
    try:
        sizes = [tuple(pool.batch(Rand(1), step)[1].shape) for step in range(2)]
    finally:
        pool.close()
    assert sizes == [(2, 32, 64), (2, 64, 32)]
    files = sorted(path.name for path in (tmp_path / "pool").iterdir())
    assert files == [f"{slot:05}.safetensors" for slot in range(4)]
    again = Pool(Renderer(0), stage, reuse=4, capacity=6, folder=tmp_path / "pool")
    try:
        assert len(again.kept) == 4
        assert torch.equal(again.kept[0][0], pool.kept[0][0])
    finally:
        again.close()


@pytest.mark.slow
def test_a_renderer_that_died_is_told_of() -> None:
    ahead = Ahead(0, 2, (48, 64))
    ahead.process.kill()
    ahead.process.join()
    with pytest.raises(RuntimeError, match="the renderer ended with exit status -9"):
        ahead.take()


def test_what_is_merged_stands_before_what_was_there() -> None:
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(64, 3, 16, 24, generator=generator)
    inverse = 0.1 + torch.rand(64, 16, 24, generator=generator)
    merged, nearer = merge(Rand(3), image, inverse)
    changed = (merged != image).any(1)
    assert 0 < changed.float().mean() < 0.25
    assert (nearer[changed] > inverse[changed]).all()
    assert torch.equal(nearer[~changed], inverse[~changed])


def test_state_is_kept_in_small_pieces(tmp_path: Path) -> None:
    tensors = {f"t{i}": torch.full((1 << 20,), float(i)) for i in range(9)}
    save_state(tmp_path / "state", tensors, {"step": 3})
    save_state(tmp_path / "state", tensors, {"step": 4})
    sizes = [path.stat().st_size for path in (tmp_path / "state").iterdir()]
    assert max(sizes) <= PIECE_BYTES + 4096 < 16 << 20
    loaded, meta = load_state(tmp_path / "state")
    assert meta == {"step": 4}
    assert all(torch.equal(loaded[name], tensor) for name, tensor in tensors.items())


@pytest.mark.parametrize("size", [(32, 64), (64, 32)])
def test_cropping_keeps_image_and_depth_together(size: tuple[int, int]) -> None:
    ramp = torch.linspace(0.1, 1, 128)[None, None, None].expand(2, 3, 96, 128)
    image, inverse = crop(Rand(0), ramp, ramp[:, 0], size)
    assert image.shape == (2, 3, *size)
    torch.testing.assert_close(image[:, 0], inverse, rtol=0, atol=0.02)


def test_camera_effects_stay_in_range_and_follow_the_seed() -> None:
    image = torch.rand(4, 3, 42, 56, generator=torch.Generator().manual_seed(0))
    inverse = image[:, 0]
    first, again = (photograph(Rand(5), image, inverse) for _ in range(2))
    assert torch.equal(first, again)
    assert 0 <= first.min() <= first.max() <= 1
