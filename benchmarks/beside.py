"""This tree beside another one of the same repository: cold, warm and memory, taken in turn.

``python -m benchmarks.beside OTHER_TREE`` (a ``git worktree`` of the commit to compare with) runs
both with this interpreter and its packages, on the same seeded checkpoint and photo, and writes
``benchmarks/results/beside.md``.
"""

import argparse
import os
import statistics
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.contestants import (
    RESULTS,
    ROOT,
    Contestant,
    Task,
    Worker,
    describe_machine,
    prepare,
    write_png,
)

RUNTIMES = ("openvino", "torch")


@dataclass
class Taken:
    """What one tree took with one runtime."""

    cold_s: list[float] = field(default_factory=list)
    cold_cpu_s: list[float] = field(default_factory=list)
    warm_s: list[float] = field(default_factory=list)
    peak_bytes: list[float] = field(default_factory=list)


def contestants(trees: tuple[Path, Path], runtime: str, cache: Path) -> list[Contestant]:
    """One for each tree, with a cache of its own: what one converts is not the other's."""
    return [
        Contestant(
            str(tree),
            settings={
                "PYTHONPATH": str(tree),
                "VIZION3D_RUNTIME": runtime,
                "VIZION3D_MODEL_CACHE": str(cache / str(number)),
            },
        )
        for number, tree in enumerate(trees)
    ]


def measure(trees: tuple[Path, Path], runtime: str, task: Task, rounds: int) -> list[Taken]:
    """Both trees in turn; the first round is for disk caches and conversions."""
    entrants = contestants(trees, runtime, task.cache)
    taken = [Taken() for _ in entrants]
    for number in range(1 + rounds):
        for entrant, of in zip(entrants, taken, strict=True):
            before = os.times()
            seconds = write_png(entrant, task)
            after = os.times()
            if number:
                of.cold_s.append(seconds)
                cpu_s = after.children_user + after.children_system
                of.cold_cpu_s.append(cpu_s - before.children_user - before.children_system)
    workers = [Worker(entrant, task) for entrant in entrants]
    for number in range(2 + 2 * rounds):
        for worker, of in zip(workers, taken, strict=True):
            answer = worker.run()
            if number >= 2:
                of.warm_s.append(answer["seconds"])
            of.peak_bytes = [answer["peak_bytes"]]
    for worker in workers:
        worker.stop()
    return taken


def row(name: str, then: list[float], now: list[float], unit: str, scale: float = 1.0) -> str:
    """One line of the table: medians, least values, and what one is of the other."""
    medians = [statistics.median(values) * scale for values in (then, now)]
    least = [min(values) * scale for values in (then, now)]
    return (
        f"| {name} | {medians[0]:.3g} {unit} | {medians[1]:.3g} {unit} | "
        f"**{medians[1] / medians[0]:.3f}** | {least[1] / least[0]:.3f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("other", type=Path, help="A worktree of the commit to compare with.")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--runtimes", nargs="+", default=RUNTIMES, choices=RUNTIMES)
    arguments = parser.parse_args()
    trees = (arguments.other.resolve(), ROOT)
    commits = [
        subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], cwd=tree, text=True)
        for tree in trees
    ]
    then, now = (commit.strip() for commit in commits)
    lines = [
        f"### {now} beside {then}",
        "",
        describe_machine(),
        "",
        f"| | {then} | {now} | ratio of medians | of least values |",
        "|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        task = prepare(Path(folder), "vits")
        for runtime in arguments.runtimes:
            before, after = measure(trees, runtime, task, arguments.rounds)
            rows = [
                row(f"{runtime}: cold", before.cold_s, after.cold_s, "s"),
                row(f"{runtime}: cold, CPU time", before.cold_cpu_s, after.cold_cpu_s, "s"),
                row(f"{runtime}: warm", before.warm_s, after.warm_s, "s"),
                row(f"{runtime}: memory", before.peak_bytes, after.peak_bytes, "MB", 1e-6),
            ]
            print("\n".join(rows), flush=True)
            lines += rows
    (RESULTS / "beside.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
