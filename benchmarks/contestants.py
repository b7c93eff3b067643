"""Who is measured, on what, and on which machine."""

import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from benchmarks import official

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
_SCRIPT = ROOT / "benchmarks" / "workers.py"
PEER = ROOT / ".venv-1.5.6" / "bin" / "python"
_OURS = Path(sys.executable)


@dataclass(frozen=True)
class Contestant:
    """What is timed.

    Attributes:
        label: Its name in the table.
        worker: Its function in ``workers.py``.
        python: The interpreter that has it.
        settings: Environment variables.
        png: Arguments of the interpreter that write ``{png}`` and end; by default the function's
            in ``workers.py``.
    """

    label: str
    worker: str = "vizion3d"
    python: Path = _OURS
    settings: dict[str, str] = field(default_factory=dict)
    png: tuple[str, ...] = ()


VIZION3D = Contestant("vizion3d")
TORCH = Contestant("vizion3d, torch fp32", settings={"VIZION3D_RUNTIME": "torch"})
BASELINE = Contestant("vizion3d 1.5.6", python=PEER)
CONTESTANTS = (
    VIZION3D,
    Contestant("vizion3d, fp32", settings={"VIZION3D_PRECISION": "fp32"}),
    TORCH,
    BASELINE,
    Contestant("transformers", "transformers"),
    *([Contestant("official code", "official")] if official.is_here() else []),
)
COMMAND_LINE = Contestant(
    "vizion3d's command line",
    png=(
        *("-c", "from vizion3d.programs.cli import main; main()", "depth", "{photo}"),
        *("--model", "{checkpoint}", "--save", "png"),
    ),
)


@dataclass(frozen=True)
class Task:
    """A checkpoint, a photo, and a folder for what is kept."""

    checkpoint: Path
    photo: Path

    @property
    def cache(self) -> Path:
        return self.checkpoint.parent / "cache"

    def environment(self, contestant: Contestant) -> dict[str, str]:
        inherited = dict(os.environ)
        # What is installed is compiled; so is a tree that is not, after its first run.
        inherited.pop("PYTHONDONTWRITEBYTECODE", None)
        if contestant.python != _OURS:
            inherited.pop("PYTHONPATH", None)  # it may name our tree
        return {**inherited, "VIZION3D_MODEL_CACHE": str(self.cache), **contestant.settings}


def write_png(contestant: Contestant, task: Task) -> float:
    """A fresh process that writes one depth PNG and ends.

    Returns:
        Seconds, from its start to its end.
    """
    folder = task.checkpoint.parent
    name = "vizion3d_png" if contestant.worker == "vizion3d" else contestant.worker
    arguments = contestant.png or (
        str(_SCRIPT), name, "{checkpoint}", "{photo}", str(folder / "depth.png")
    )  # fmt: skip
    filled = [a.format(checkpoint=task.checkpoint, photo=task.photo) for a in arguments]
    start = time.perf_counter()
    subprocess.run(
        [contestant.python, *filled],
        cwd=folder,
        env=task.environment(contestant),
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - start


class Worker:
    """A running contestant."""

    def __init__(self, contestant: Contestant, task: Task) -> None:
        self._process = subprocess.Popen(
            [contestant.python, _SCRIPT, contestant.worker, task.checkpoint, task.photo],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=task.checkpoint.parent,
            env=task.environment(contestant),
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


def prepare(folder: Path, encoder: str) -> Task:
    """A seeded checkpoint in both layouts, and a photo that all give the network at 518 x 770."""
    import torch
    from PIL import Image
    from transformers import DPTImageProcessor

    from tests.support import photos
    from tests.support.checkpoints import VITB, VITL, VITS, seeded_network, state_dict
    from tests.support.peer import IMAGE_PROCESSOR, to_transformers

    network = seeded_network({"vits": VITS, "vitb": VITB, "vitl": VITL}[encoder])
    checkpoint = folder / f"depth_anything_v2_{encoder}.pth"
    torch.save(state_dict(network), checkpoint)
    to_transformers(network).save_pretrained(checkpoint.with_suffix(""))
    DPTImageProcessor(**IMAGE_PROCESSOR).save_pretrained(checkpoint.with_suffix(""))
    photo = folder / "motorcycle.jpg"
    Image.fromarray(photos.motorcycle()).save(photo, quality=92)
    return Task(checkpoint, photo)


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
