"""Where the time of many photos goes on a GPU: who decodes, which batches form, what each takes.

``python -m benchmarks.gpu_photos`` from the source tree; it needs what ``benchmarks.gpu`` needs but
transformers, and torchvision for nvJPEG. Each way runs in a process of its own, so that its first
call finds nothing warm but the loaded model. ``--device cpu --encoder tiny`` runs anywhere.
"""

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.gpu import ENCODERS, Bench, describe
from vizion3d.app import build_container
from vizion3d.checkpoints.commands import LoadModelCommand
from vizion3d.container import Container, wire
from vizion3d.core.arrays import UInt8Array
from vizion3d.core.observe import Stage
from vizion3d.lifting import DepthEstimationCommand
from vizion3d.media.images import JpegDecoder, decode
from vizion3d.media.nvjpeg import find_nvjpeg
from vizion3d.media.reader import ImageReader
from vizion3d.runtime.choice import GPU_BATCH_SIZE
from vizion3d.runtime.many import run_many
from vizion3d.runtime.queue import InferenceQueue
from vizion3d.runtime.torch_runtime import TorchRuntime
from vizion3d.settings import load_settings


@dataclass(frozen=True)
class Way:
    """How photos are worked on.

    Attributes:
        nvjpeg: They are decoded by nvJPEG; otherwise by Pillow.
        own_stream: nvJPEG's pixels come back on a CUDA stream that the network does not use.
        few_sizes: Batches come in powers of two; otherwise in any size.
        keeps_thread: One queue, and so one thread at the network, for all calls.
    """

    nvjpeg: bool = False
    own_stream: bool = False
    few_sizes: bool = True
    keeps_thread: bool = False


WAYS = {
    "Pillow, any batch size": Way(few_sizes=False),
    "Pillow, powers of two": Way(),
    "Pillow, powers of two, one thread": Way(keeps_thread=True),
    "nvJPEG, powers of two": Way(nvjpeg=True),
    "nvJPEG on its own stream, powers of two": Way(nvjpeg=True, own_stream=True),
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


def on_own_stream(jpeg: JpegDecoder, device: str) -> JpegDecoder:
    """The same decoder, which does not wait for what the network has begun."""
    stream = torch.cuda.Stream(device, priority=-1)

    def decoded(encoded: bytes) -> UInt8Array | None:
        with torch.cuda.stream(stream):
            return jpeg(encoded)

    return decoded


class Photos:
    """One way with its application and its model, in this process."""

    def __init__(self, way: Way, device: str, checkpoint: Path) -> None:
        self.way, self.checkpoint, self.recorder = way, checkpoint, Recorder()
        settings = load_settings(runtime="torch", device=device)
        container = build_container(settings, observer=self.recorder)
        jpeg = find_nvjpeg(settings) if way.nvjpeg else None
        if jpeg and way.own_stream:
            jpeg = on_own_stream(jpeg, device)
        images = ImageReader(container.parts.images.limits, self.recorder, jpeg)
        self.container = wire(replace(container.parts, images=images), container.tasks)
        self.container.commands.dispatch(LoadModelCommand(str(checkpoint)))
        self.kept = self._queue() if way.keeps_thread else None

    def run(self, jpegs: list[bytes]) -> float:
        """Seconds of one call: from bytes to depth, as ``DepthEstimation.run_many`` does it."""
        start = time.perf_counter()
        queue = self.kept or self._queue()
        container: Container = self.container.with_inference(queue)
        commands = (DepthEstimationCommand(jpeg, str(self.checkpoint)) for jpeg in jpegs)
        threads = GPU_BATCH_SIZE + max(GPU_BATCH_SIZE, (os.cpu_count() or 1) - 1)
        dispatch: Callable[[DepthEstimationCommand], Any] = container.commands.dispatch
        for _ in run_many(dispatch, commands, window=2 * threads, threads=threads):
            pass
        if not self.kept:
            queue.close()
        return time.perf_counter() - start

    def close(self) -> None:
        if self.kept:
            self.kept.close()

    def _queue(self) -> InferenceQueue:
        few_sizes = self.way.few_sizes
        return InferenceQueue(GPU_BATCH_SIZE, observer=self.recorder, few_sizes=few_sizes)


def measure(photos: Photos, jpegs: list[bytes], counts: list[int], rounds: int) -> dict[str, Any]:
    """Seconds of the first call and of later ones, stages, and the network by size of batch."""
    first_s = photos.run(jpegs[: counts[0]])
    median_s = [
        statistics.median(photos.run(jpegs[:count]) for _ in range(rounds)) for count in counts
    ]
    photos.close()
    recorder = photos.recorder
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
    }


def worker(name: str, device: str, checkpoint: str, jpegs: str, counts: str, rounds: str) -> None:
    """One way, told as JSON."""
    loaded = np.load(jpegs)
    encoded = [loaded[key].tobytes() for key in loaded.files]
    photos = Photos(WAYS[name], device, Path(checkpoint))
    print(json.dumps(measure(photos, encoded, [*map(int, counts.split())], int(rounds))))


def apart(way: str, *arguments: str) -> dict[str, Any]:
    code = "import sys; from benchmarks.gpu_photos import worker; worker(*sys.argv[1:])"
    command = [sys.executable, "-c", code, way, *arguments]
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    told: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return told


def report(found: dict[str, dict[str, Any]], counts: list[int]) -> list[str]:
    """Tables: the rates, the stages, the batches."""
    rates = " | ".join(f"{count} photos, images/s" for count in counts)
    lines = [f"| way | first call, {counts[0]} photos, s | {rates} |"]
    lines.append("|---" * (2 + len(counts)) + "|")
    for way, told in found.items():
        cells = (
            f"{count / seconds:.1f}"
            for count, seconds in zip(counts, told["median_s"], strict=True)
        )
        lines.append(f"| {way} | {told['first_s']:.2f} | {' | '.join(cells)} |")
    lines += ["", "| way | decode, ms | in the queue, ms | a batch, ms | package, ms |"]
    lines.append("|---" * 5 + "|")
    for way, told in found.items():
        means = (
            f"{told['stages_ms'][stage]:.2f}"
            for stage in ("decode", "queue", "inference", "package")
        )
        lines.append(f"| {way} | {' | '.join(means)} |")
    lines += ["", "| way | batch size | batches | the first, ms | median, ms |"]
    lines.append("|---" * 5 + "|")
    for way, told in found.items():
        for size, (count, first_ms, median_ms) in told["batches"].items():
            lines.append(f"| {way} | {size} | {count} | {first_ms:.1f} | {median_ms:.1f} |")
    return lines


def decoders(device: str, jpeg: bytes, rounds: int) -> tuple[bool, str]:
    """Whether nvJPEG works here, and a sentence: one photo at a time, beside Pillow."""
    nvjpeg = find_nvjpeg(load_settings(runtime="torch", device=device))
    if nvjpeg is None or nvjpeg(jpeg) is None:
        seen = importlib.util.find_spec("torchvision") is not None
        return False, f"nvJPEG cannot be used here (torchvision {'' if seen else 'not '}found)."
    milliseconds, pixels = [], []
    for way in (None, nvjpeg):
        run = partial(decode, jpeg, jpeg=way)
        pixels.append(run().astype(int))
        taken = []
        for _ in range(rounds):
            start = time.perf_counter()
            run()
            taken.append(1e3 * (time.perf_counter() - start))
        milliseconds.append(statistics.median(taken))
    off = np.abs(pixels[1] - pixels[0])
    return True, (
        f"One photo at a time: Pillow {milliseconds[0]:.2f} ms, nvJPEG {milliseconds[1]:.2f} ms; "
        f"they differ by {off.mean():.3f} of 255 in the mean, {off.max()} at most."
    )


def first_runs(bench: Bench, batches: list[int]) -> list[str]:
    """What a size of batch costs at first, and in a new thread: pixels to depth."""
    runtime = TorchRuntime(bench.read, str(bench.device))
    lines = ["| batch | first, ms | again, ms | in a new thread: first, ms | again, ms |"]
    lines.append("|---" * 5 + "|")

    def twice(run: Callable[[], object], into: list[float]) -> None:
        for _ in range(2):
            start = time.perf_counter()
            run()
            into.append(1e3 * (time.perf_counter() - start))

    for batch in batches:
        images = {"image": np.repeat(np.array(bench.photo)[None], batch, axis=0)}
        taken: list[float] = []
        run = partial(runtime.infer, images, bench.size)
        twice(run, taken)
        thread = threading.Thread(target=twice, args=(run, taken))
        thread.start()
        thread.join()
        lines.append(f"| {batch} | {' | '.join(f'{each:.1f}' for each in taken)} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--encoder", choices=ENCODERS, default="vitb")
    parser.add_argument("--photos", type=int, nargs="+", default=[48, 192])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, help="also write the report there")
    arguments = parser.parse_args()
    device, counts = torch.device(arguments.device), arguments.photos
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(device, arguments.encoder, arguments.rounds, Path(folder))
        jpegs = bench.jpegs(max(counts))
        packed = Path(folder) / "jpegs.npz"
        np.savez(packed, *(np.frombuffer(jpeg, np.uint8) for jpeg in jpegs))
        can_nvjpeg, told = decoders(str(device), jpegs[0], 20)
        lines = [told, "", *first_runs(bench, [1, 2, 4, 8, 3, 5, 6, 7]), ""]
        parameters = (" ".join(map(str, counts)), str(arguments.rounds))
        found = {
            name: apart(name, str(device), str(bench.checkpoint), str(packed), *parameters)
            for name, way in WAYS.items()
            if can_nvjpeg or not way.nvjpeg
        }
    lines += report(found, counts)
    title = f"## {arguments.encoder}, photos on {device}"
    text = "\n".join([title, "", describe(device), "", *lines, ""])
    print(text)
    if arguments.out:
        arguments.out.write_text(text)


if __name__ == "__main__":
    main()
