"""Where the time of many photos goes on a GPU: which batches form, and what each stage takes.

``python -m benchmarks.gpu_photos`` from the source tree; it needs what ``benchmarks.gpu`` needs but
transformers. Each way runs in a process of its own, so that its first call finds nothing warm but
the loaded model; each row is printed when it is there. ``--device cpu --encoder tiny`` runs
anywhere.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.gpu import ENCODERS, PHOTO_SIZE, Bench, describe
from vizion3d.app import build_container
from vizion3d.checkpoints.commands import LoadModelCommand
from vizion3d.checkpoints.store import Checkpoint
from vizion3d.container import Container, wire
from vizion3d.core.kept_thread import CallersThread
from vizion3d.core.observe import Stage
from vizion3d.lifting import DepthEstimationCommand
from vizion3d.media.reader import ImageReader
from vizion3d.runtime.cache import RuntimeCache
from vizion3d.runtime.cuda_graphs import RUNS_BEFORE
from vizion3d.runtime.many import run_many, threads_around
from vizion3d.runtime.queue import InferenceQueue
from vizion3d.runtime.torch_runtime import TorchRuntime
from vizion3d.settings import Precision, load_settings


@dataclass(frozen=True)
class Way:
    """How photos are worked on.

    Attributes:
        batch_size: Photos that go through the network together, at most.
        kept_thread: The network runs in the thread that the runtime keeps; otherwise in that of a
            queue, of which each call has its own.
        threads_of: Batch size that the number of threads is chosen for; ``None``: this one.
        decoders: Photos that are decoded at the same time; ``None``: as many as there are cores.
        switch_interval_s: Of Python, whose default is 0.005; ``None``: as it is.
    """

    batch_size: int = 8
    kept_thread: bool = True
    threads_of: int | None = None
    decoders: int | None = None
    switch_interval_s: float | None = None


WAYS = {
    "8": Way(),
    "8, no kept thread": Way(kept_thread=False),
    "16": Way(16),
    "32": Way(32),
    "32, threads of 16": Way(32, threads_of=16),
    "8, 4 decoders": Way(decoders=4),
    "16, 4 decoders": Way(16, decoders=4),
    "8, threads switched after 0.5 ms": Way(switch_interval_s=0.0005),
}


class Recorder:
    """An observer that keeps the durations of stages, and of the network by size of batch."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.batches: dict[int, list[float]] = defaultdict(list)
        self._of_thread = threading.local()

    def stage(self, stage: Stage, seconds: float) -> None:
        self.seconds[stage].append(seconds)
        if stage == "inference":
            self._of_thread.inference_s = seconds

    def batch(self, size: int) -> None:
        self.batches[size].append(self._of_thread.inference_s)

    def queued(self, count: int) -> None:
        pass


def without_kept_thread(device: str) -> RuntimeCache:
    """Runtimes as the application loads them, whose callers run the network."""

    def load(precision: Precision, checkpoint: Checkpoint) -> TorchRuntime:
        return TorchRuntime(checkpoint, device, precision, CallersThread())

    return RuntimeCache(partial(load, "auto"), 2, partial(load, "fp32"))


class Photos:
    """One way with its application and its model, in this process."""

    def __init__(self, way: Way, device: str, checkpoint: Path) -> None:
        self.way, self.checkpoint, self.recorder = way, checkpoint, Recorder()
        self.device = torch.device(device)
        settings = load_settings(runtime="torch", device=device)
        runtimes = None if way.kept_thread else without_kept_thread(device)
        container = build_container(settings, runtimes=runtimes, observer=self.recorder)
        images = ImageReader(container.parts.images.limits, self.recorder, way.decoders)
        self.container = wire(replace(container.parts, images=images), container.tasks)
        self.container.commands.dispatch(LoadModelCommand(str(checkpoint)))

    def run(self, jpegs: list[bytes]) -> float:
        """Seconds of one call: from bytes to depth, as ``DepthEstimation.run_many`` does it."""
        way, start = self.way, time.perf_counter()
        queue = InferenceQueue(way.batch_size, observer=self.recorder)
        container: Container = self.container.with_inference(queue)
        commands = (DepthEstimationCommand(jpeg, str(self.checkpoint)) for jpeg in jpegs)
        threads = threads_around(way.threads_of or way.batch_size)
        dispatch: Callable[[DepthEstimationCommand], Any] = container.commands.dispatch
        for _ in run_many(dispatch, commands, window=2 * threads, threads=threads):
            pass
        queue.close()
        return time.perf_counter() - start


def measure(photos: Photos, jpegs: list[bytes], counts: list[int], rounds: int) -> dict[str, Any]:
    """Seconds of the first call and of later ones, stages, the network by size of batch, memory."""
    first_s = photos.run(jpegs[: counts[0]])
    median_s = [
        statistics.median(photos.run(jpegs[:count]) for _ in range(rounds)) for count in counts
    ]
    recorder, on_gpu = photos.recorder, photos.device.type == "cuda"
    return {
        "first_s": first_s,
        "median_s": median_s,
        "stages_ms": {
            stage: 1e3 * statistics.mean(taken) for stage, taken in recorder.seconds.items()
        },
        "batches": {
            size: (len(taken), 1e3 * taken[0], 1e3 * statistics.median(taken))
            for size, taken in sorted(recorder.batches.items())
        },
        "host_bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        "gpu_bytes": torch.cuda.max_memory_reserved(photos.device) if on_gpu else 0,
    }


def worker(name: str, device: str, checkpoint: str, jpegs: str, counts: str, rounds: str) -> None:
    """One way, told as JSON."""
    loaded = np.load(jpegs)
    encoded = [loaded[key].tobytes() for key in loaded.files]
    way = WAYS[name]
    if way.switch_interval_s:
        sys.setswitchinterval(way.switch_interval_s)
    photos = Photos(way, device, Path(checkpoint))
    print(json.dumps(measure(photos, encoded, [*map(int, counts.split())], int(rounds))))


def apart(way: str, *arguments: str) -> dict[str, Any]:
    code = "import sys; from benchmarks.gpu_photos import worker; worker(*sys.argv[1:])"
    command = [sys.executable, "-c", code, way, *arguments]
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    told: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return told


STAGES = ("decode", "queue", "inference", "package")


def header(counts: list[int]) -> list[str]:
    """Of the table of ways."""
    rates = [f"{count} photos, images/s" for count in counts]
    columns = ["largest batch", f"first call, {counts[0]} photos, s", *rates]
    columns += ["decode, ms", "in the queue, ms", "a batch, ms", "package, ms"]
    columns += ["host memory", "GPU memory", "batches: size x number (first, median ms)"]
    return [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]


def row(way: str, told: dict[str, Any], counts: list[int]) -> str:
    """One way's, of that table."""
    cells = [way, f"{told['first_s']:.2f}"]
    cells += [f"{n / seconds:.1f}" for n, seconds in zip(counts, told["median_s"], strict=True)]
    cells += [f"{told['stages_ms'][stage]:.1f}" for stage in STAGES]
    cells += [f"{told[key] / 1e9:.2f} GB" for key in ("host_bytes", "gpu_bytes")]
    cells.append(
        ", ".join(
            f"{size} x {count} ({first_ms:.0f}, {median_ms:.0f})"
            for size, (count, first_ms, median_ms) in told["batches"].items()
        )
    )
    return f"| {' | '.join(cells)} |"


def first_runs(bench: Bench, batches: list[int]) -> Iterator[str]:
    """What the network's runtime takes alone for a size of batch, pixels to depth: at first, warm
    (on CUDA one image as a graph), without graphs, and when another thread asks for it."""
    runtime = TorchRuntime(bench.read, str(bench.device))
    eager = TorchRuntime(bench.read, str(bench.device), graphs=0)
    yield (
        "| batch | first, ms | warm, ms | images/s | warm without graphs, ms "
        "| first from another thread, ms |"
    )
    yield "|---" * 6 + "|"

    def timed(run: Callable[[], object], into: list[float]) -> None:
        start = time.perf_counter()
        run()
        into.append(1e3 * (time.perf_counter() - start))

    for batch in batches:
        images = {"image": np.repeat(np.array(bench.photo)[None], batch, axis=0)}
        taken: list[float] = []
        run = partial(runtime.infer, images, bench.size)
        before = RUNS_BEFORE + 2  # the one after them is captured
        for _ in range(before + bench.rounds):
            timed(run, taken)
        warm_ms = statistics.median(taken[before:])
        without: list[float] = []
        for _ in range(1 + bench.rounds):
            timed(partial(eager.infer, images, bench.size), without)
        thread = threading.Thread(target=timed, args=(run, taken))
        thread.start()
        thread.join()
        yield (
            f"| {batch} | {taken[0]:.1f} | {warm_ms:.1f} | {1e3 * batch / warm_ms:.1f} "
            f"| {statistics.median(without[1:]):.1f} | {taken[-1]:.1f} |"
        )


def lines(arguments: argparse.Namespace, folder: Path) -> Iterator[str]:
    """The report, as it comes."""
    device, counts = torch.device(arguments.device), arguments.photos
    width, height = arguments.size
    bench = Bench(device, arguments.encoder, arguments.rounds, folder, (width, height))
    yield from (f"## {arguments.encoder}, photos of {width} x {height} on {device}", "")
    yield from (describe(device), "")
    if arguments.batches:
        yield from (*first_runs(bench, arguments.batches), "")
    packed = folder / "jpegs.npz"
    np.savez(packed, *(np.frombuffer(jpeg, np.uint8) for jpeg in bench.jpegs(max(counts))))
    parameters = (" ".join(map(str, counts)), str(arguments.rounds))
    yield from header(counts)
    for way in arguments.ways:
        told = apart(way, str(device), str(bench.checkpoint), str(packed), *parameters)
        yield row(way, told, counts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--encoder", choices=ENCODERS, default="vitb")
    parser.add_argument("--size", type=int, nargs=2, default=PHOTO_SIZE, help="width and height")
    parser.add_argument("--batches", type=int, nargs="*", default=[1, 2, 4, 8, 16, 32, 3, 5, 6, 7])
    parser.add_argument("--photos", type=int, nargs="+", default=[48, 192])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=[*WAYS], metavar="WAY")
    parser.add_argument("--out", type=Path, help="also write the report there")
    arguments = parser.parse_args()
    report = []
    with tempfile.TemporaryDirectory() as folder:
        for line in lines(arguments, Path(folder)):
            print(line, flush=True)
            report.append(line)
            if arguments.out:
                arguments.out.write_text("\n".join([*report, ""]))


if __name__ == "__main__":
    main()
