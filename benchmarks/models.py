"""Time and memory of every network of the catalogue, beside transformers' pipelines.

``python -m benchmarks.models``: seeded checkpoints of the released sizes, each in a process of its
own, in turn, on one photo; then the largest of Depth Anything 3 on a photo of 12 megapixels.
``--folder`` keeps the checkpoints and what they were converted to, ``--rounds 0`` makes them and
measures nothing.
"""

import argparse
import json
import shutil
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.contestants import (
    RESULTS,
    ROOT,
    VIZION3D,
    Contestant,
    Task,
    Worker,
    describe_machine,
    prepare,
)

LARGE_PX = 4032, 3024
PEERS = {"vitb": "transformers, vitb", "vitl": "transformers, vitl"}
GROUPS = (
    ("nano", "small"),
    ("base", "da3-small", "da3-base", PEERS["vitb"]),
    ("large", "da3mono-large", PEERS["vitl"]),
)
BESIDE = {"da3-small": "vitb", "da3-base": "vitb", "da3mono-large": "vitl"}
"""Model -> the encoder of transformers' pipeline that it is compared with."""


def _copy_nano(path: Path) -> None:
    shutil.copyfile(ROOT / "vizion3d" / "checkpoints" / "nano.safetensors", path)


def _depth_anything_3(name: str) -> Callable[[Path], None]:
    def save(path: Path) -> None:
        from tests.support import seeds

        configs = {
            "da3-small": seeds.DA3_SMALL,
            "da3-base": seeds.DA3_BASE,
            "da3mono-large": seeds.DA3_MONO,
        }
        seeds.save_depth_anything_3(path, configs[name])

    return save


def prepare_all(folder: Path) -> dict[str, tuple[Contestant, Task]]:
    """Label -> who runs on what; files that are there are taken as they are."""
    made: dict[str, tuple[Contestant, Task]] = {}
    for encoder, name in {"vits": "small", "vitb": "base", "vitl": "large"}.items():
        place = folder / encoder
        task = Task(place / f"depth_anything_v2_{encoder}.pth", place / "motorcycle.jpg")
        if not task.photo.exists():
            place.mkdir(parents=True, exist_ok=True)
            task = prepare(place, encoder)
        made[name] = VIZION3D, task
        if encoder in PEERS:
            made[PEERS[encoder]] = Contestant(PEERS[encoder], "transformers"), task
    photo = made["small"][1].photo
    for name in ("nano", *BESIDE):
        path = folder / name / f"{name}.safetensors"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            (_copy_nano if name == "nano" else _depth_anything_3(name))(path)
        made[name] = VIZION3D, Task(path, photo)
    return made


def measure(made: dict[str, tuple[Contestant, Task]], rounds: int) -> dict[str, Any]:
    """Label -> seconds of every round but the first, and peak memory.

    Those of a group run in turn, so that noise of the machine meets all of them; only one group is
    in memory at a time.
    """
    answers: dict[str, list[dict[str, float]]] = {}
    for group in GROUPS:
        workers = {label: Worker(*made[label]) for label in group}
        for _ in range(1 + rounds):
            for label, worker in workers.items():
                answers.setdefault(label, []).append(worker.run())
        for worker in workers.values():
            worker.stop()
        print({label: answers[label] for label in group}, flush=True)
    return {
        label: {
            "warm_s": [answer["seconds"] for answer in all_[1:]],
            "cpu_s": [answer["cpu_seconds"] for answer in all_[1:]],
            "peak_bytes": all_[-1]["peak_bytes"],
        }
        for label, all_ in answers.items()
    }


def _answers(contestant: Contestant, task: Task, rounds: int) -> list[dict[str, float]]:
    worker = Worker(contestant, task)
    answers = [worker.run() for _ in range(1 + rounds)]
    worker.stop()
    return answers


def measure_large(task: Task, folder: Path) -> dict[str, float]:
    """The second run on a photo of 12 megapixels."""
    from PIL import Image

    large = folder / "large.jpg"
    with Image.open(task.photo) as photo:
        photo.resize(LARGE_PX).save(large, quality=92)
    return _answers(VIZION3D, Task(task.checkpoint, large), 1)[-1]


def page(raw: dict[str, Any]) -> str:
    """Markdown of what was measured."""
    measured = raw["measured"]
    lines = [
        "| | seconds a photo | CPU seconds | both beside transformers | peak memory |",
        "|---|---|---|---|---|",
    ]
    own = {"small": None, "base": "vitb", "large": "vitl", **BESIDE}
    for label in ("nano", "small", "base", "large", *BESIDE, *PEERS.values()):
        seconds, cpu_s = _medians(measured[label])
        encoder, ratio = own.get(label), "–"
        if encoder:
            base, cpu_base = _medians(measured[PEERS[encoder]])
            ratio = f"**{seconds / base:.2f}x**, {cpu_s / cpu_base:.2f}x of {encoder}"
        memory = f"{measured[label]['peak_bytes'] / 1e9:.2f} GB"
        lines.append(f"| {label} | {seconds:.2f} | {cpu_s:.2f} | {ratio} | {memory} |")
    large = raw["large"]
    table = "\n".join(lines)
    return f"""## Every network

`python -m benchmarks.models`: seeded checkpoints of the released sizes, each in a process of its
own, warm, on the photo of 741 x 500 pixels, which Depth Anything V2 sees at 770 x 518 and Depth
Anything 3 at 504 x 336. Ours make depth, 16-bit depth image and coloured point cloud; transformers'
pipeline makes depth and an 8-bit image. Medians; CPU seconds are those of all cores together, which
other work on the machine changes least; memory is the largest resident set of the process, the
conversion of a new checkpoint not included.

{raw["machine"]}

{table}

`da3mono-large` on a photo of {LARGE_PX[0]} x {LARGE_PX[1]}: {large["seconds"]:.1f} s, peak memory
{large["peak_bytes"] / 1e9:.2f} GB, depth image and a cloud of up to 12 million points included.
"""


def _medians(measured: dict[str, Any]) -> tuple[float, float]:
    """Seconds, and seconds of all cores together."""
    return statistics.median(measured["warm_s"]), statistics.median(measured["cpu_s"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        run(arguments.folder or Path(temporary), arguments.rounds)


def run(folder: Path, rounds: int) -> None:
    """Measure everything, and write the page."""
    made = prepare_all(folder.absolute())
    for contestant, task in made.values():
        # Converted in a process whose memory is not measured.
        if contestant is VIZION3D and not task.cache.exists():
            _answers(contestant, task, 0)
    if rounds == 0:
        return
    raw = {
        "machine": describe_machine(),
        "measured": measure(made, rounds),
        "large": measure_large(made["da3mono-large"][1], folder),
    }
    (RESULTS / "models.json").write_text(json.dumps(raw, indent=1) + "\n")
    (RESULTS / "models.md").write_text(page(raw))
    print(page(raw))


if __name__ == "__main__":
    main()
