"""Time, memory and precision of the stereo networks, on the pair "Motorcycle" (741 x 500).

``python -m benchmarks.stereo_networks [NAME ...]`` (``las2-s`` by default): seeded checkpoints of
the released sizes, in both runtimes and every precision, each in a process of its own. Rows of
other networks stay as they are.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.contestants import RESULTS, describe_machine
from tests.support import stereo_scenes as scenes
from tests.support.seeds import LAS2, save_lite_any_stereo
from vizion3d.app import build_container
from vizion3d.settings import load_settings
from vizion3d.stereo import StereoDepthCommand

RESULT = RESULTS / "stereo_networks.md"
EXACT = "torch fp32"
WAYS = (EXACT, "torch bf16", "openvino fp32", "openvino bf16")


def measure(checkpoint: Path, way: str, rounds: int, map_path: Path) -> dict[str, float]:
    """Median seconds of a warm run, files to disparity, and what else one process tells.

    Args:
        checkpoint: Seeded.
        way: Runtime and precision.
        rounds: After one to warm up.
        map_path: Where the network's own disparity goes, as NPY.
    """
    runtime, precision = way.split()
    container = build_container(load_settings(runtime=runtime, precision=precision, device="cpu"))
    scene = scenes.motorcycle()
    command = StereoDepthCommand(
        scene.left,
        scene.right,
        str(checkpoint),
        return_depth_image=False,
        advanced_config=scene.config,
    )
    container.commands.dispatch(command)
    taken = []
    for _ in range(rounds):
        start, at_work = time.perf_counter(), time.process_time()
        container.commands.dispatch(command)
        taken.append((time.perf_counter() - start, time.process_time() - at_work))
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    loaded = container.parts.runtimes.get(container.parts.checkpoints.resolve(str(checkpoint)))
    height, width = scene.left.shape[:2]
    maps = loaded.infer(
        {"left": scene.left[None], "right": scene.right[None]},
        loaded.network.recipe.network_size(height, width),
    )
    np.save(map_path, maps["disparity"][0])
    seconds, cpu_s = (statistics.median(column) for column in zip(*taken, strict=True))
    return {"seconds": seconds, "cpu_s": cpu_s, "peak_bytes": peak_bytes}


def prepare(name: str, folder: Path) -> Path:
    """The checkpoint, converted; what is there is taken as it is."""
    checkpoint = folder / name / f"{name}.pth"
    if not checkpoint.exists():
        save_lite_any_stereo(checkpoint, LAS2[name])
    cache = checkpoint.parent / "cache"
    for way in (way for way in WAYS if way.startswith("openvino")):
        if not (cache / f"{way}.done").exists():
            _apart(checkpoint, way, 1, folder / "converted.npy")
            (cache / f"{way}.done").touch()
    return checkpoint


def rows(name: str, checkpoint: Path, rounds: int) -> list[str]:
    """One network in every way, each in a fresh process."""
    exact: NDArray[np.float32] | None = None
    lines = []
    for way in WAYS:
        map_path = checkpoint.with_name(f"{way}.npy")
        told = _apart(checkpoint, way, rounds, map_path)
        disparity = np.load(map_path)
        exact = disparity if exact is None else exact
        off = np.abs(disparity - exact)
        lines.append(
            f"| {name} | {way} | {told['seconds']:.2f} | {told['cpu_s']:.2f} | "
            f"{told['peak_bytes'] / 1e9:.2f} GB | {off.mean():.1e} | {off.max():.1e} | "
            f"{off.max() / np.ptp(exact):.1e} |"
        )
        print(lines[-1], flush=True)
    return lines


def _apart(checkpoint: Path, way: str, rounds: int, map_path: Path) -> dict[str, Any]:
    code = "import sys; from benchmarks.stereo_networks import worker; worker(*sys.argv[1:])"
    answer = subprocess.run(
        [sys.executable, "-c", code, str(checkpoint), way, str(rounds), str(map_path)],
        env={**os.environ, "VIZION3D_MODEL_CACHE": str(checkpoint.parent / "cache")},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    told: dict[str, Any] = json.loads(answer.stdout)
    return told


def worker(checkpoint: str, way: str, rounds: str, map_path: str) -> None:
    """One measurement, printed as JSON."""
    print(json.dumps(measure(Path(checkpoint), way, int(rounds), Path(map_path))))


def page(new: list[str], names: list[str]) -> str:
    """The section, with the rows of other networks that were there."""
    before = RESULT.read_text().splitlines() if RESULT.exists() else []
    kept = [line for line in before if line.startswith("| las2")]
    kept = [line for line in kept if line.split("|")[1].strip() not in names]
    machines = [line for line in before if " cores; Python " in line] if kept else []
    machine = f"{', '.join(names)}: {describe_machine()}"
    header = [
        "| network | by | seconds a pair | CPU seconds | peak memory | "
        "off in the mean, px | at most, px | of the range |",
        "|---|---|---|---|---|---|---|---|",
    ]
    text = [
        "### Networks",
        "",
        "`python -m benchmarks.stereo_networks`: seeded checkpoints of the released sizes, the",
        "pair of 741 x 500 pixels, arrays to depth, warm, medians; memory is the largest resident",
        "set of a process that loads the network and runs it. The last columns are what the",
        "network's disparity is off from that of torch in fp32.",
        "",
        *(f"{line}  " for line in dict.fromkeys(line.strip() for line in (*machines, machine))),
        "",
        *header,
        *sorted([*kept, *new], key=lambda row: list(LAS2).index(row.split("|")[1].strip())),
    ]
    return "\n".join(text) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=["las2-s"], help=", ".join(LAS2))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (arguments.folder or Path(temporary)).absolute()
        made = {name: prepare(name, folder) for name in arguments.names}
        if arguments.rounds == 0:
            return
        found = [line for each in made.items() for line in rows(*each, arguments.rounds)]
    text = page(found, arguments.names)
    RESULT.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
