"""Benchmarks take too long for a test; that they can be started is told by importing them."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from benchmarks.stereo_rendered import refusals, table
from tests.support import stereo_scenes as scenes
from training.stereo.real import PairWithTruth

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[2] / "benchmarks"
# What runs in another environment, under its own names.
WORKERS = {"workers", "throughput_worker"}


@pytest.mark.parametrize("name", sorted({p.stem for p in FOLDER.glob("*.py")} - WORKERS))
def test_a_benchmark_can_be_imported(name: str) -> None:
    importlib.import_module(f"benchmarks.{name}")


def test_matchers_are_measured_on_rendered_pairs() -> None:
    scene = scenes.render_pair(scenes.FRONT)
    pair = PairWithTruth(scene.left, scene.right, scene.disparity.astype(np.float32))
    plain, padded, ours = (
        [float(cell) for cell in row.split("|")[2:-1]] for row in table([pair])[2:]
    )
    assert plain[0] > 0.5  # the left 192 columns of 320 are not matched
    assert plain[2] < 0.5
    assert max(padded[0], ours[0]) < 0.02


def test_what_is_no_pair_is_counted() -> None:
    scene = scenes.render_pair(scenes.FRONT)
    other = scenes.render_pair([scenes.Plane((0, 0, 1), 1.5, 99)])
    pairs = [
        PairWithTruth(each.left, each.right, each.disparity.astype(np.float32))
        for each in (scene, other)
    ]
    counts = [row.split("|")[2:-1] for row in refusals(pairs)[2:]]
    assert [[int(cell) for cell in row] for row in counts] == [[0, 0, 2], *[[2, 0, 0]] * 4]
