"""Many photos: images per second from JPEG to depth PNG on disk, beside the peers; flat memory.

Every contestant runs in a process of its own, in turn. Run it once for every number of cores:
``python -m benchmarks.throughput --cores 2`` writes ``benchmarks/results/throughput-2-cores.md``.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks import official
from benchmarks.contestants import BASELINE, RESULTS, ROOT, describe_machine, prepare
from tests.support import photos

OURS = Path(sys.executable)
LABELS = {
    "many": "vizion3d, folder",
    "depths": "vizion3d, `run_many`, no PNG",
    "single": "vizion3d, one by one",
    "peer": "vizion3d 1.5.6",
    "transformers": "transformers",
    **({"official": "official code"} if official.is_here() else {}),
}
MEMORY_IMAGES = 500


@dataclass(frozen=True)
class Setting:
    """What every contestant gets."""

    checkpoint: Path
    photos: Path
    out: Path
    cores: int


class Worker:
    """A running contestant, held to the first cores."""

    def __init__(self, name: str, setting: Setting) -> None:
        environment = {**os.environ, "VIZION3D_MODEL_CACHE": str(setting.out / "cache")}
        if name == "peer":
            environment.pop("PYTHONPATH", None)  # it would find us
        self._process = subprocess.Popen(
            [
                *(
                    "taskset",
                    "-c",
                    f"0-{setting.cores - 1}",
                    BASELINE.python if name == "peer" else OURS,
                ),
                *(ROOT / "benchmarks" / "throughput_worker.py", name),
                *(setting.checkpoint, setting.photos, setting.out),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=setting.out,
            env=environment,
        )
        self._answer()  # loaded: it is not in the way of the others any more

    def run(self) -> dict[str, Any]:
        """Do all photos once."""
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return self._answer()

    def stop(self) -> None:
        self._process.communicate()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


@contextmanager
def running(names: list[str], setting: Setting) -> Iterator[dict[str, Worker]]:
    workers = {name: Worker(name, setting) for name in names}
    try:
        yield workers
    finally:
        for worker in workers.values():
            worker.stop()


def write_photos(folder: Path, count: int, scale: int = 1) -> Path:
    """JPEGs of 741 x 500 pixels over ``scale``, all different."""
    folder.mkdir()
    photo = photos.motorcycle()[::scale, ::scale]
    for number in range(count):
        image = Image.fromarray(np.roll(photo, 11 * number, axis=1))
        image.save(folder / f"{number:04d}.jpg", quality=92)
    return folder


def measure(names: list[str], setting: Setting, rounds: int) -> dict[str, list[dict[str, Any]]]:
    """Every contestant in turn, ``rounds`` times."""
    answers: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    with running(names, setting) as workers:
        for _ in range(rounds):
            for name, worker in workers.items():
                answers[name].append(worker.run())
                print(f"{name}: {answers[name][-1]['seconds']:.1f} s", flush=True)
    return answers


def table(answers: dict[str, list[dict[str, Any]]], count: int) -> list[str]:
    """Markdown. Ratios are medians of those within each round: a noisy machine slows all alike."""
    bounds_s = [answer["network_s"] for answer in answers["single"]]
    lines = [
        f"The network alone takes {statistics.median(bounds_s) / count * 1e3:.0f} ms an image.",
        "",
        "| | images per second | beside transformers | of the network's own bound | peak memory |",
        "|---|---|---|---|---|",
    ]
    for name, told in answers.items():
        taken_s = [answer["seconds"] for answer in told]
        ratio = "-"
        if "transformers" in answers:
            base_s = [answer["seconds"] for answer in answers["transformers"]]
            ratio = f"{_median_ratio(base_s, taken_s):.2f}x"
        lines.append(
            f"| {LABELS[name]} | {count / statistics.median(taken_s):.2f} | {ratio} "
            f"| {_median_ratio(bounds_s, taken_s):.2f} "
            f"| {max(answer['peak_bytes'] for answer in told) / 1e6:.0f} MB |"
        )
    return lines


def _median_ratio(above: list[float], below: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def measure_memory(folder: Path, cores: int) -> str:
    """Resident memory over 500 images with the small model."""
    small = write_photos(folder / "small", MEMORY_IMAGES, scale=4)
    setting = Setting(Path("nano"), small, folder, cores)
    (told,) = measure(["memory"], setting, 1)["memory"]
    steps = ", ".join(f"{value / 1e6:.0f}" for value in told["resident_bytes"])
    return (
        f"Memory of `run_many` over {MEMORY_IMAGES} images with `nano`, in MB after every hundred: "
        f"{steps}."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    parser.add_argument("--encoder", default="vits")
    parser.add_argument("--photos", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--contestants", nargs="+", choices=LABELS, default=list(LABELS))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        checkpoint = prepare(folder, arguments.encoder).checkpoint
        taken = write_photos(folder / "photos", arguments.photos)
        setting = Setting(checkpoint, taken, folder, arguments.cores)
        names = ["single", *(n for n in arguments.contestants if n != "single")]
        figures = table(measure(names, setting, arguments.rounds), arguments.photos)
        memory = measure_memory(folder, arguments.cores)
        shutil.rmtree(folder / "cache", ignore_errors=True)
    cores = "1 core" if arguments.cores == 1 else f"{arguments.cores} cores"
    report = [
        f"## Many photos, {cores}",
        "",
        f"`python -m benchmarks.throughput --cores {arguments.cores} --photos {arguments.photos} "
        f"--rounds {arguments.rounds}`: photos of",
        f"741 x 500 pixels, from JPEG to depth PNG on disk, {arguments.encoder} with seeded",
        "weights, the contestants in turn, medians. The network's own bound is what the network",
        "alone takes for as many images, by the median of them one by one.",
        "",
        describe_machine(),
        "",
        *figures,
        "",
        memory,
    ]
    page = RESULTS / f"throughput-{arguments.cores}-cores.md"
    page.write_text("\n".join(report) + "\n")
    print("\n".join(report))
    print(f"\nwritten to {page.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
