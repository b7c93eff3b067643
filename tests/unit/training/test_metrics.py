"""The evaluation's measures, on depths whose quality is known."""

import numpy as np
import pytest

from training.metrics import TRIVIAL, align, edge_score, quality


@pytest.fixture
def target() -> np.ndarray:
    """A slanted ground with a box in front of it, in 1 / metres."""
    inverse = np.broadcast_to(np.linspace(0.1, 0.5, 60)[:, None], (60, 80)).copy()
    inverse[15:40, 30:50] = 0.9
    return inverse


EVERYWHERE = np.ones((60, 80), bool)


def test_the_truth_in_any_scale_and_shift_is_perfect(target: np.ndarray) -> None:
    found = quality(5 * target + 2, target, EVERYWHERE)
    assert found.abs_rel == pytest.approx(0, abs=1e-9)
    assert found.delta1 == 1
    assert found.edges == 1


def test_alignment_ignores_what_was_not_measured(target: np.ndarray) -> None:
    valid = EVERYWHERE.copy()
    valid[:5] = False
    broken = np.where(valid, target, 1e6)
    np.testing.assert_allclose(align(target, broken, valid), target)


def test_trivial_predictors_know_no_edges(target: np.ndarray) -> None:
    for make in TRIVIAL.values():
        found = quality(make(target), target, EVERYWHERE)
        assert found.abs_rel > 0.05
        assert found.edges == 0


def test_blurred_edges_score_less_than_sharp_ones(target: np.ndarray) -> None:
    soft = target.copy()
    for _ in range(12):
        soft[:, 1:-1] = (soft[:, :-2] + soft[:, 1:-1] + soft[:, 2:]) / 3
    assert edge_score(soft, target, EVERYWHERE) < 0.8
