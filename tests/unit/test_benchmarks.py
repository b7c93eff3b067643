"""Benchmarks take too long for a test; that they can be started is told by importing them."""

import importlib
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[2] / "benchmarks"
# What runs in another environment, under its own names.
WORKERS = {"workers", "throughput_worker"}


@pytest.mark.parametrize("name", sorted({p.stem for p in FOLDER.glob("*.py")} - WORKERS))
def test_a_benchmark_can_be_imported(name: str) -> None:
    importlib.import_module(f"benchmarks.{name}")
