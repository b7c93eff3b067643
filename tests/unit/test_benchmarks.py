"""Benchmarks take too long for a test; that they can be started is told by importing them."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from benchmarks.stereo_rendered import table
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
