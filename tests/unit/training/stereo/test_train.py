"""Training the matcher: its loss, its measure, and a run that continues as if not cut."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from training.encoder_weights import load_published
from training.export import best_path
from training.network import normalise
from training.render.rand import Rand
from training.stereo.data import Batch
from training.stereo.evaluate import START
from training.stereo.losses import errors, score_loss, stereo_loss
from training.stereo.measure import Measure
from training.stereo.model import Stages
from training.stereo.plans import PLANS
from training.stereo.real import PairWithTruth, bad_share, motorcycle
from training.stereo.train import ENCODER, FROZEN, VARIANT, StereoTraining, new_network

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")


def random_batch(seed: int = 0) -> Batch:
    rand = Rand(seed)
    disparity = rand.uniform(2, 64, 96, low=2, high=20)
    valid = torch.ones(2, 64, 96, dtype=torch.bool)
    images = rand.uniform(2, 2, 3, 64, 96)
    return Batch(images[0], images[1], disparity, valid, valid)


def test_the_loss_is_least_at_the_truth() -> None:
    batch = random_batch()
    cells = batch.disparity[:, 2::4, 2::4] / 4
    grid = torch.arange(48.0)[:, None, None]
    scores = -30 * (grid - cells[:, None]).abs()
    sure = torch.full((2, 64, 96), 20.0)
    first = batch.disparity[:, 1::2, 1::2]
    right = stereo_loss(Stages(scores, first, batch.disparity, sure), batch)
    moved = stereo_loss(Stages(scores, first, batch.disparity + 2, sure), batch)
    assert right < moved - 1
    unsure = stereo_loss(Stages(scores, first, batch.disparity, -sure), batch)
    assert right < unsure - 1


def test_scores_are_wanted_between_whole_disparities() -> None:
    cells, valid = torch.full((1, 1, 1), 2.25), torch.ones(1, 1, 1, dtype=torch.bool)
    scores = torch.full((1, 6, 1, 1), -30.0)
    scores[0, 2], scores[0, 3] = np.log(0.75), np.log(0.25)
    best = score_loss(scores, cells, valid)
    assert best == pytest.approx(-0.75 * np.log(0.75) - 0.25 * np.log(0.25), abs=1e-5)
    assert score_loss(scores.flip(1), cells, valid) > best + 0.5
    assert score_loss(scores, cells, ~valid) == 0


def test_errors_are_those_of_valid_pixels() -> None:
    batch = random_batch()
    batch.valid[:, :, :48] = False
    found = batch.disparity.clone()
    found[:, :, :48] += 50
    found[:, :32, 48:] += 3
    assert errors(found, batch) == {"epe": 1.5, "bad2": 0.5}


@pytest.mark.slow
def test_training_starts_from_the_published_encoder_and_leaves_its_first_layers() -> None:
    training, published = (
        StereoTraining(PLANS["tiny"], 0, CPU),
        load_published(VARIANT).state_dict(),
    )
    before = {k: v.clone() for k, v in training.net.features.encoder.state_dict().items()}
    assert all(torch.equal(v, published[k]) for k, v in before.items())
    training.learn(random_batch())
    training.learn(random_batch())
    for name, tensor in training.net.features.encoder.state_dict().items():
        kept = f"{ENCODER}{name}".startswith(FROZEN)
        assert torch.equal(tensor, published[name]) == kept, name


@pytest.mark.slow
def test_a_resumed_run_continues_exactly(tmp_path: Path) -> None:
    whole = StereoTraining(PLANS["tiny"], 0, CPU)
    losses = [whole.learn(random_batch(i)) for i in range(3)]
    first = StereoTraining(PLANS["tiny"], 0, CPU)
    first.learn(random_batch(0))
    first.save(tmp_path / "state")
    second = StereoTraining(PLANS["tiny"], 0, CPU)
    second.load(tmp_path / "state")
    again = [second.learn(random_batch(i)) for i in (1, 2)]
    assert torch.equal(torch.stack(again), torch.stack(losses[1:]))
    for ours, theirs in zip(second.ema.parameters(), whole.ema.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    with pytest.raises(ValueError, match="--seed 0"):
        StereoTraining(PLANS["tiny"], 1, CPU).load(tmp_path / "state")


@pytest.mark.slow
def test_the_averaged_network_has_the_statistics_of_its_own_weights() -> None:
    training, batch = StereoTraining(PLANS["tiny"], 0, CPU), random_batch()
    images = normalise(batch.left), normalise(batch.right)
    for _ in range(3):
        training.learn(batch)
    with torch.no_grad():
        expected = training.ema.train().stages(*images).scores
        lagging = training.ema.eval().stages(*images).scores
        found = training.averaged().stages(*images).scores
    error = (found - expected).abs().mean()
    assert error < 0.1 * expected.std()
    assert error < 0.2 * (lagging - expected).abs().mean()


def test_a_run_ends_by_the_clock_or_by_its_length() -> None:
    training = StereoTraining(replace(PLANS["tiny"], seconds=100.0), 0, CPU)
    training.seconds, training.seen = 50.0, 2
    assert training.share == 0.5
    training.seen = 6
    assert training.share == 0.75
    training.seconds = 101.0
    assert training.done


def test_the_measure_keeps_what_did_best(tmp_path: Path) -> None:
    photo = np.random.default_rng(0).integers(0, 255, (64, 96, 3), dtype=np.uint8)
    flat = np.full((64, 96), 5.0, np.float32)
    measure = Measure(
        PLANS["tiny"].data, 2, CPU, PairWithTruth(photo, photo, flat), tmp_path / "state"
    )
    net = new_network(0).eval()
    point = measure.consider(net, [])
    assert point.keys() == {"epe", "bad2", "real", "dimmed"}
    kept = load_file(best_path(tmp_path / "state"))
    assert torch.equal(kept["aggregation.score.weight"], net.aggregation.score.weight)
    with torch.no_grad():
        net.aggregation.score.weight.zero_()
    measure.consider(net, [{"real": 0.0}])
    kept = load_file(best_path(tmp_path / "state"))
    assert not torch.equal(kept["aggregation.score.weight"], net.aggregation.score.weight)


def test_only_pixels_with_a_known_disparity_count(tmp_path: Path) -> None:
    photo = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    truth = np.full((40, 60), np.inf, np.float32)
    truth[:, :30] = 500.0
    np.savez_compressed(tmp_path / "pair.npz", left=photo, right=photo, disparity=truth)
    pair = motorcycle(tmp_path / "pair.npz")
    assert pair is not None
    assert bad_share(new_network(0).eval(), pair, CPU) == 1.0
    assert pair.dimmed().right.mean() == pytest.approx(
        255 * 0.8 * ((photo / 255) ** 0.7).mean(), abs=1
    )


def test_a_new_run_starts_from_a_file(tmp_path: Path) -> None:
    given = {k: v.half() if v.is_floating_point() else v for k, v in _weights(1).items()}
    save_file(given, tmp_path / "start.safetensors")
    training = StereoTraining(PLANS["tiny"], 0, CPU, tmp_path / "start.safetensors")
    for net in (training.net, training.ema):
        for name, tensor in net.state_dict().items():
            assert torch.equal(tensor, given[name].to(tensor.dtype)), name
    assert not torch.equal(
        given["aggregation.score.weight"], _weights(0)["aggregation.score.weight"].half()
    )


def _weights(seed: int) -> dict[str, torch.Tensor]:
    return new_network(seed).state_dict()


def test_the_published_start_fits_the_network() -> None:
    net = new_network(0, START)
    assert all(torch.isfinite(tensor).all() for tensor in net.state_dict().values())
    assert START.stat().st_size < 3e6
