"""The pipeline beside its peers: cold start, warm latency, peak memory, on the same weights.

Every contestant runs in processes of its own, in turn, so that noise of the machine meets all of
them; medians are reported, and ratios to vizion3d 1.5.6. Results go to ``benchmarks/results/``.
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

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PEER = ROOT / ".venv-1.5.6" / "bin" / "python"
BASELINE = "vizion3d 1.5.6"


@dataclass(frozen=True)
class Contestant:
    """What is timed.

    Attributes:
        label: Its name in the table.
        worker: Its function in ``workers.py``.
        python: The interpreter that has it.
        settings: Environment variables.
    """

    label: str
    worker: str
    python: Path
    settings: dict[str, str]


OURS = Path(sys.executable)
CONTESTANTS = (
    Contestant("vizion3d", "vizion3d", OURS, {}),
    Contestant("vizion3d, fp32", "vizion3d", OURS, {"VIZION3D_PRECISION": "fp32"}),
    Contestant("vizion3d, torch fp32", "vizion3d", OURS, {"VIZION3D_RUNTIME": "torch"}),
    Contestant(BASELINE, "vizion3d", PEER, {}),
    Contestant("transformers", "transformers", OURS, {}),
)


@dataclass(frozen=True)
class Measured:
    """What one contestant took.

    Attributes:
        cold_s: Fresh processes, each from its start to its first result.
        warm_s: Photos in a process that has done some.
        peak_bytes: Largest resident memory of that process.
    """

    cold_s: list[float]
    warm_s: list[float]
    peak_bytes: float


class Worker:
    """A running contestant."""

    def __init__(self, contestant: Contestant, checkpoint: Path, photo: Path) -> None:
        script = ROOT / "benchmarks" / "workers.py"
        self._process = subprocess.Popen(
            [contestant.python, script, contestant.worker, checkpoint, photo],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=checkpoint.parent,
            env={
                **os.environ,
                "VIZION3D_MODEL_CACHE": str(checkpoint.parent / "cache"),
                **contestant.settings,
            },
        )

    def run(self) -> dict[str, float]:
        """Run once.

        Raises:
            RuntimeError: The contestant ended; with what it wrote to standard error.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write("go\n")
            self._process.stdin.flush()
            answer: dict[str, float] = json.loads(self._process.stdout.readline())
        except (OSError, ValueError) as error:
            raise RuntimeError(self._process.communicate()[1]) from error
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
    checkpoint = folder / f"depth_anything_v2_{encoder}.pth"
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


def measure(checkpoint: Path, photo: Path, rounds: int) -> dict[str, Measured]:
    """Run every contestant in turn, ``rounds`` times."""
    cold: dict[str, list[float]] = {contestant.label: [] for contestant in CONTESTANTS}
    for round_ in range(1 + rounds):  # the first is for disk caches and our conversion
        for contestant in CONTESTANTS:
            start = time.perf_counter()
            worker = Worker(contestant, checkpoint, photo)
            worker.run()
            if round_:
                cold[contestant.label].append(time.perf_counter() - start)
            worker.stop()
    workers = {c.label: Worker(c, checkpoint, photo) for c in CONTESTANTS}
    for worker in workers.values():
        worker.run()  # warm-up
    answers: dict[str, list[dict[str, float]]] = {label: [] for label in workers}
    for _ in range(2 * rounds):
        for label, worker in workers.items():
            answers[label].append(worker.run())
    for worker in workers.values():
        worker.stop()
    return {
        label: Measured(
            cold_s=cold[label],
            warm_s=[answer["seconds"] for answer in answers[label]],
            peak_bytes=answers[label][-1]["peak_bytes"],
        )
        for label in workers
    }


def describe_machine() -> str:
    """Processor, cores, and the versions that matter."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text().splitlines()
        models = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
        flags = next((line for line in lines if line.startswith("flags")), "")
        native = [f for f in ("avx512_bf16", "amx_bf16") if f in flags]
        cpu = ", ".join([*models[:1], *native])
    names = ("vizion3d", "torch", "openvino", "transformers")
    packages = ", ".join(f"{name} {version(name)}" for name in names)
    return f"{cpu}; {os.cpu_count()} cores; Python {platform.python_version()}; {packages}."


def table(measured: dict[str, Measured]) -> str:
    """Markdown: medians with their quartiles, and ratios to the baseline."""
    base = measured[BASELINE]
    lines = ["| | fresh process to first result | warm | peak memory |", "|---|---|---|---|"]
    for label, m in measured.items():
        cells = (
            _seconds(m.cold_s, base.cold_s),
            _seconds(m.warm_s, base.warm_s),
            f"{m.peak_bytes / 1e6:.0f} MB, **{m.peak_bytes / base.peak_bytes:.2f}x**",
        )
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _seconds(taken: list[float], base: list[float]) -> str:
    low, middle, high = statistics.quantiles(taken, n=4)
    ratio = middle / statistics.median(base)
    return f"{middle:.2f} s ({low:.2f} to {high:.2f}), **{ratio:.2f}x**"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoders", nargs="+", default=["vits", "vitb"])
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    report = [
        "## The pipeline beside its peers",
        "",
        "`make bench`: medians (and quartiles), ratios to vizion3d 1.5.6 with transformers 5.6.2,",
        "on the same seeded checkpoint and photo (741 x 500, which all give the network at",
        "770 x 518). vizion3d and 1.5.6 make depth, 16-bit depth image and coloured point cloud;",
        "transformers' pipeline makes depth and an 8-bit image. Our checkpoint is converted for",
        "OpenVINO already.",
        "",
        describe_machine(),
    ]
    for encoder in arguments.encoders:
        with tempfile.TemporaryDirectory() as folder:
            checkpoint, photo = prepare(Path(folder), encoder)
            measured = measure(checkpoint, photo, arguments.rounds)
        report += ["", f"### {encoder}", "", table(measured)]
    RESULTS.mkdir(exist_ok=True)
    page = RESULTS / "pipeline.md"
    page.write_text("\n".join(report) + "\n")
    print("\n".join(report[8:]))
    print(f"\nwritten to {page.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
