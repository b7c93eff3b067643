"""Benchmarks that need hardware that is not here still run."""

import subprocess
import sys
from pathlib import Path


def test_the_gpu_benchmark_runs_on_a_cpu(tmp_path: Path) -> None:
    out = tmp_path / "report.md"
    options = "--device cpu --encoder tiny --batches 1 2 --photos 2 --rounds 1 --matrix 64"
    subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu", *options.split(), "--out", out], check=True
    )
    report = out.read_text()
    assert "Worst deviation from fp32: 0.00%" in report
    assert "| transformers, batch 2 |" in report
