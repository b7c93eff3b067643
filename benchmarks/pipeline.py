"""The pipeline beside its peers: fresh process, warm latency, peak memory, on the same weights.

Every contestant runs in processes of its own, in turn, so that noise of the machine meets all of
them; medians are reported, and ratios to vizion3d 1.5.6. Then :mod:`benchmarks.models`, unless
``--no-models``. Results go to ``benchmarks/results/``.
"""

import argparse
import dataclasses
import json
import shutil
import statistics
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import models
from benchmarks.contestants import (
    BASELINE,
    COMMAND_LINE,
    CONTESTANTS,
    RESULTS,
    TORCH,
    VIZION3D,
    Contestant,
    Task,
    Worker,
    describe_machine,
    prepare,
    write_png,
)


@dataclass(frozen=True)
class Measured:
    """What one contestant took.

    Attributes:
        png_s: Fresh processes, each from its start to its end, with one depth PNG written.
        warm_s: Photos in a process that has done some.
        peak_bytes: Largest resident memory of that process.
    """

    png_s: list[float]
    warm_s: list[float]
    peak_bytes: float


def measure(task: Task, rounds: int) -> dict[str, Measured]:
    """Run every contestant in turn, ``rounds`` times."""
    png = {contestant.label: [0.0] * 0 for contestant in (*CONTESTANTS, COMMAND_LINE)}
    for round_ in range(1 + rounds):  # the first is for disk caches and our conversion
        for contestant in (*CONTESTANTS, COMMAND_LINE):
            seconds = write_png(contestant, task)
            if round_:
                png[contestant.label].append(seconds)
    answers = _warm(CONTESTANTS, task, 2 * rounds)
    return {
        label: Measured(
            png_s=seconds,
            warm_s=[answer["seconds"] for answer in answers.get(label, [])],
            peak_bytes=answers[label][-1]["peak_bytes"] if label in answers else 0,
        )
        for label, seconds in png.items()
    }


def _warm(
    contestants: tuple[Contestant, ...], task: Task, rounds: int
) -> dict[str, list[dict[str, float]]]:
    """Label -> what its worker answered in every round but the first."""
    workers = {contestant.label: Worker(contestant, task) for contestant in contestants}
    for worker in workers.values():
        worker.run()
    answers: dict[str, list[dict[str, float]]] = {label: [] for label in workers}
    for _ in range(rounds):
        for label, worker in workers.items():
            answers[label].append(worker.run())
    for worker in workers.values():
        worker.stop()
    return answers


def measure_first(task: Task, rounds: int) -> dict[str, list[float]]:
    """Seconds of a fresh process to its PNG with an empty cache: the conversion included."""
    taken: dict[str, list[float]] = {VIZION3D.label: [], TORCH.label: []}
    for _ in range(rounds):
        for contestant in (VIZION3D, TORCH):
            shutil.rmtree(task.cache, ignore_errors=True)
            taken[contestant.label].append(write_png(contestant, task))
    return taken


def measure_around(task: Task, rounds: int) -> dict[str, list[float]]:
    """Seconds outside the network for a JPEG of 1920 x 1080, warm, with image and cloud."""
    from PIL import Image

    large = task.photo.with_name("large.jpg")
    with Image.open(task.photo) as photo:
        photo.resize((1920, 1080)).save(large, quality=92)
    both = tuple(dataclasses.replace(c, worker="vizion3d_apart") for c in (VIZION3D, BASELINE))
    answers = _warm(both, Task(task.checkpoint, large), rounds)
    return {
        label: [answer["seconds"] - answer["network_seconds"] for answer in all_]
        for label, all_ in answers.items()
    }


def section(encoder: str, raw: dict[str, Any]) -> str:
    """Markdown of one encoder: medians with their quartiles, and ratios to the baseline."""
    measured = {label: Measured(**m) for label, m in raw["measured"].items()}
    around = _compared(raw["around_s"], BASELINE.label)
    first = _compared(raw["first_s"], TORCH.label)
    return f"""
### {encoder}

{raw["machine"]}

{_table(measured)}

Outside the network, for a JPEG of 1920 x 1080 with depth image and cloud: {around}.

First run of a new checkpoint, conversion included, beside torch's: {first}.
"""


def _table(measured: dict[str, Measured]) -> str:
    base = measured[BASELINE.label]
    lines = ["| | fresh process to a depth PNG | warm | peak memory |", "|---|---|---|---|"]
    for label, m in measured.items():
        memory = f"{m.peak_bytes / 1e6:.0f} MB, **{m.peak_bytes / base.peak_bytes:.2f}x**"
        cells = [_seconds(m.png_s, base.png_s)]
        cells += [_seconds(m.warm_s, base.warm_s), memory] if m.warm_s else ["", ""]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _seconds(taken: list[float], base: list[float]) -> str:
    low, middle, high = statistics.quantiles(taken, n=4, method="inclusive")
    ratio = middle / statistics.median(base)
    return f"{middle:.2f} s ({low:.2f} to {high:.2f}), **{ratio:.2f}x**"


def _compared(taken: dict[str, list[float]], base: str) -> str:
    return "; ".join(f"{label} {_seconds(all_, taken[base])}" for label, all_ in taken.items())


INTRODUCTION = """## The pipeline beside its peers

`make bench`: medians (and quartiles), ratios to vizion3d 1.5.6 with transformers 5.6.2, on the same
seeded checkpoint and photo (741 x 500, which all give the network at 770 x 518). A fresh process is
timed from its start to its end: the same program for ours and 1.5.6, which asks for the depth image
and has Open3D write it; the command line writes it without Open3D. Warm, vizion3d and 1.5.6 make
depth, 16-bit depth image and coloured point cloud; transformers' pipeline makes depth and an 8-bit
image; the official code makes depth (with plain attention, as it does without xFormers). Memory is
the largest resident set of that process, mapped files included. Our checkpoint is converted for
OpenVINO already.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoders", nargs="*", default=["vits", "vitb"])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--models", action=argparse.BooleanOptionalAction, default=True)
    arguments = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    kept = RESULTS / "pipeline.json"
    raw = json.loads(kept.read_text()) if kept.exists() else {}
    for encoder in arguments.encoders:
        with tempfile.TemporaryDirectory() as folder:
            task = prepare(Path(folder), encoder)
            raw[encoder] = {
                "machine": describe_machine(),
                "measured": {k: asdict(m) for k, m in measure(task, arguments.rounds).items()},
                "around_s": measure_around(task, 2 * arguments.rounds),
                "first_s": measure_first(task, max(2, arguments.rounds // 2)),
            }
    if arguments.models:
        with tempfile.TemporaryDirectory() as folder:
            models.run(Path(folder), arguments.rounds)
    kept.write_text(json.dumps(raw, indent=1) + "\n")
    page = INTRODUCTION + "".join(section(encoder, raw[encoder]) for encoder in sorted(raw))
    (RESULTS / "pipeline.md").write_text(page)
    print(page)


if __name__ == "__main__":
    main()
