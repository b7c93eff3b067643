"""The pipeline beside transformers': cold start, warm latency, peak memory, on the same weights.

Every contestant runs in processes of its own, in turn, so that noise of the machine meets all of
them; medians are reported, and ratios to transformers. Results go to ``benchmarks/results/``.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from benchmarks.workers import CONTESTANTS

RESULTS = Path(__file__).parent / "results"
BASELINE = "transformers"


@dataclass(frozen=True)
class Measured:
    """Medians of one contestant.

    Attributes:
        cold_s: A fresh process from its start to its first result.
        warm_s: One photo in a process that has done some.
        peak_bytes: Largest resident memory of that process.
    """

    cold_s: float
    warm_s: float
    peak_bytes: float


class Worker:
    """A running contestant."""

    def __init__(self, name: str, checkpoint: Path, photo: Path) -> None:
        command = [sys.executable, "-m", "benchmarks.workers", name, str(checkpoint), str(photo)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def run(self) -> dict[str, float]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        answer: dict[str, float] = json.loads(self._process.stdout.readline())
        return answer

    def stop(self) -> None:
        self._process.communicate()


def prepare(folder: Path, encoder: str) -> tuple[Path, Path]:
    """A seeded checkpoint in both layouts, and a photo that all give the network at 518 x 770."""
    import torch
    from PIL import Image
    from transformers import DPTImageProcessor

    from tests.support import photos
    from tests.support.checkpoints import VITB, VITS, seeded_network, state_dict
    from tests.support.peer import to_transformers

    network = seeded_network({"vits": VITS, "vitb": VITB}[encoder])
    checkpoint = folder / f"{encoder}.pth"
    torch.save(state_dict(network), checkpoint)
    to_transformers(network).save_pretrained(checkpoint.with_suffix(""))
    DPTImageProcessor(
        size={"height": 518, "width": 518},
        keep_aspect_ratio=True,
        ensure_multiple_of=14,
        resample=3,
        image_mean=[0.485, 0.456, 0.406],
        image_std=[0.229, 0.224, 0.225],
    ).save_pretrained(checkpoint.with_suffix(""))
    photo = folder / "motorcycle.jpg"
    Image.fromarray(photos.motorcycle()).save(photo, quality=92)
    return checkpoint, photo


def measure(names: list[str], checkpoint: Path, photo: Path, rounds: int) -> dict[str, Measured]:
    """Run every contestant in turn, ``rounds`` times."""
    cold: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(max(2, rounds // 3)):
        for name in names:
            start = time.perf_counter()
            worker = Worker(name, checkpoint, photo)
            worker.run()
            cold[name].append(time.perf_counter() - start)
            worker.stop()
    workers = {name: Worker(name, checkpoint, photo) for name in names}
    for worker in workers.values():
        worker.run()  # warm-up
    answers: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for _ in range(rounds):
        for name, worker in workers.items():
            answers[name].append(worker.run())
    for worker in workers.values():
        worker.stop()
    return {
        name: Measured(
            cold_s=statistics.median(cold[name]),
            warm_s=statistics.median(answer["seconds"] for answer in answers[name]),
            peak_bytes=answers[name][-1]["peak_bytes"],
        )
        for name in names
    }


def describe_machine() -> str:
    """Processor, cores, and the versions that matter."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = lines[0].split(":")[1].strip() if lines else cpu
    packages = ", ".join(f"{n} {version(n)}" for n in ("vizion3d", "torch", "transformers"))
    return f"{cpu}, {os.cpu_count()} cores; Python {platform.python_version()}; {packages}"


def table(measured: dict[str, Measured]) -> str:
    """Markdown, each figure with its ratio to the baseline."""
    base = measured[BASELINE]
    lines = [
        "| | fresh process to first result | warm | peak memory |",
        "|---|---|---|---|",
    ]
    for name, m in measured.items():
        cells = (
            f"{m.cold_s:.2f} s ({m.cold_s / base.cold_s:.2f}x)",
            f"{m.warm_s:.3f} s ({m.warm_s / base.warm_s:.2f}x)",
            f"{m.peak_bytes / 1e6:.0f} MB ({m.peak_bytes / base.peak_bytes:.2f}x)",
        )
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoders", nargs="+", default=["vits", "vitb"])
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    names = list(CONTESTANTS)
    report = [
        "## The pipeline beside transformers'",
        "",
        "`make bench` writes this page: medians, and ratios to transformers' pipeline, on the",
        "same seeded checkpoint and photo (741 x 500, which all give the network at 770 x 518).",
        "`vizion3d` makes the depth and its 16-bit image, `vizion3d_cloud` the point cloud too,",
        "`transformers` the depth and its 8-bit image.",
        "",
        describe_machine(),
    ]
    for encoder in arguments.encoders:
        with tempfile.TemporaryDirectory() as folder:
            checkpoint, photo = prepare(Path(folder), encoder)
            measured = measure(names, checkpoint, photo, arguments.rounds)
        report += ["", f"### {encoder}", "", table(measured)]
    RESULTS.mkdir(exist_ok=True)
    page = RESULTS / "pipeline.md"
    page.write_text("\n".join(report) + "\n")
    print("\n".join(report[7:]))
    print(f"\nwritten to {page}")


if __name__ == "__main__":
    main()
