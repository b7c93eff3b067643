"""The network and the whole way on a GPU, beside transformers' pipeline on the same weights.

``python -m benchmarks.gpu`` from the source tree; it needs torch, transformers and the light
dependencies of vizion3d (no Open3D, no OpenVINO). With ``--device cpu --encoder tiny`` it runs
anywhere, to see that it runs.
"""

import argparse
import io
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.utils.flop_counter import FlopCounterMode

from tests.support.checkpoints import TINY, VITB, VITS, seeded_network, state_dict
from training.network import in_channels_last
from vizion3d.app import reset_default_container
from vizion3d.checkpoints.store import Checkpoint
from vizion3d.lifting import DepthEstimation, DepthEstimationCommand
from vizion3d.networks.depth_anything_v2.model import DepthAnythingV2
from vizion3d.networks.depth_anything_v2.network import RECIPE, DepthAnythingV2Network
from vizion3d.runtime.torch_runtime import TorchRuntime

ROOT = Path(__file__).parents[1]
ENCODERS = {"tiny": TINY, "vits": VITS, "vitb": VITB}
PHOTO_SIZE = (1024, 768)
"""Width and height, pixels: the network sees it at 686 x 518."""


class Bench:
    """One checkpoint on one device."""

    def __init__(
        self,
        device: torch.device,
        encoder: str,
        rounds: int,
        folder: Path,
        photo_size: tuple[int, int] = PHOTO_SIZE,
    ) -> None:
        self.device, self.rounds = device, rounds
        self.network = seeded_network(ENCODERS[encoder])
        self.checkpoint = folder / "checkpoint.pth"
        torch.save(state_dict(self.network), self.checkpoint)
        with Image.open(ROOT / "examples" / "coffee.jpg") as photo:
            self.photo = photo.convert("RGB").resize(photo_size, Image.Resampling.LANCZOS)
        self.size = RECIPE.network_size(photo_size[1], photo_size[0])
        self.read = Checkpoint(self.checkpoint, DepthAnythingV2Network(self.network.config))
        self.dtype = torch.float16 if device.type == "cuda" else torch.float32

    def seconds(self, run: Callable[[], object]) -> float:
        """Median of several runs, the device having finished each; after two that warm a GPU up."""
        taken = []
        warm_up = 2 if self.device.type == "cuda" else 0
        for number in range(warm_up + self.rounds):
            start = time.perf_counter()
            run()
            if self.device.type == "cuda":
                torch.cuda.synchronize(self.device)
            if number >= warm_up:
                taken.append(time.perf_counter() - start)
        return statistics.median(taken)

    def matrix_rate(self, side: int) -> float:
        """Floating-point operations per second of a product of square matrices."""
        a, b = (torch.randn(side, side, device=self.device, dtype=self.dtype) for _ in range(2))
        return 2 * side**3 / self.seconds(lambda: a @ b)

    @torch.inference_mode()
    def flops(self) -> int:
        """Of the network on one image: products and convolutions, as torch counts them."""
        counter = FlopCounterMode(display=False)
        meta = DepthAnythingV2(self.network.config).to("meta")
        positions = torch.empty(1, 1 + self.size[0] * self.size[1] // 14**2, meta.config.embed_dim)
        with counter:
            meta(torch.empty(1, 3, *self.size, device="meta"), positions.to("meta"))
        return counter.get_total_flops()

    @torch.inference_mode()
    def network_alone(self, batch: int) -> float:
        """Seconds of the network on a batch that lies on the device."""
        return self.seconds(self._on_device(batch))

    @torch.inference_mode()
    def as_graph(self, batch: int) -> float | None:
        """The same, recorded once as a CUDA graph and replayed; ``None`` without CUDA."""
        if self.device.type != "cuda":
            return None
        run = self._on_device(batch)
        aside = torch.cuda.Stream(self.device)
        aside.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(aside):
            for _ in range(3):  # the libraries choose their kernels before they are recorded
                run()
        torch.cuda.synchronize(self.device)
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph):
                run()
        except RuntimeError as error:  # the other figures are wanted all the same
            print(f"no CUDA graph of batch {batch}: {error}")
            return None
        return self.seconds(graph.replay)

    @torch.inference_mode()
    def compiled(self, batch: int) -> tuple[float, float]:
        """The same, through ``torch.compile``: seconds of a run, and of the first one."""
        torch.compiler.reset()  # else a second batch size is compiled for any
        run = self._on_device(batch, partial(torch.compile, dynamic=False))
        start = time.perf_counter()
        run()
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        first_s = time.perf_counter() - start
        return self.seconds(run), first_s

    def _on_device(
        self, batch: int, wrap: Callable[[Any], Any] = lambda network: network
    ) -> Callable[[], object]:
        """A run of the network on a batch that lies on the device."""
        network = in_channels_last(self.network.to(self.device, self.dtype))
        images = torch.randn(batch, 3, *self.size, device=self.device, dtype=self.dtype)
        images = images.to(memory_format=torch.channels_last)
        rows, cols = (side // 14 for side in self.size)
        positions = network.pretrained.positional_embedding(rows, cols)
        forward = wrap(network)
        return lambda: forward(images, positions)

    def runtime(self, batch: int) -> float:
        """Seconds of the runtime: from bytes in host memory to depth in host memory."""
        runtime = TorchRuntime(self.read, str(self.device))
        images = np.repeat(np.array(self.photo)[None], batch, axis=0)
        return self.seconds(lambda: runtime.infer({"image": images}, self.size))

    def deviation(self) -> float:
        """Worst difference of the device's own precision from fp32, as a share of the range."""
        images = {"image": np.array(self.photo)[None]}
        exact, given = (
            TorchRuntime(self.read, str(self.device), precision).infer(images, self.size)["depth"]
            for precision in ("fp32", "auto")
        )
        return float(np.abs(given - exact).max() / np.ptp(exact))

    def jpegs(self, count: int) -> list[bytes]:
        pixels = np.asarray(self.photo)
        encoded = []
        for number in range(count):
            buffer = io.BytesIO()
            shifted = Image.fromarray(np.roll(pixels, 7 * number, axis=1))
            shifted.save(buffer, "JPEG", quality=92)
            encoded.append(buffer.getvalue())
        return encoded

    def ours(self, jpegs: list[bytes]) -> float:
        """Seconds from JPEG bytes to depth, through ``run_many``."""
        os.environ["VIZION3D_RUNTIME"] = "torch"
        os.environ["VIZION3D_DEVICE"] = str(self.device)
        reset_default_container()

        def run() -> None:
            commands = (DepthEstimationCommand(j, str(self.checkpoint)) for j in jpegs)
            for _ in DepthEstimation().run_many(commands):
                pass

        return self.seconds(run)

    def theirs(self, jpegs: list[bytes], batch: int) -> float:
        """Seconds from JPEG bytes to depth, through transformers' pipeline."""
        pipeline = self.pipeline()

        def run() -> None:
            pictures = [Image.open(io.BytesIO(jpeg)).convert("RGB") for jpeg in jpegs]
            pipeline(pictures, batch_size=batch)

        return self.seconds(run)

    def pipeline(self) -> Any:
        from transformers import DPTImageProcessorPil
        from transformers.pipelines.depth_estimation import DepthEstimationPipeline

        from tests.support.peer import IMAGE_PROCESSOR, to_transformers

        processor = DPTImageProcessorPil(**IMAGE_PROCESSOR)
        network: torch.nn.Module = to_transformers(self.network.float().cpu())
        model: Any = network.to(self.dtype)
        return DepthEstimationPipeline(
            model=model, image_processor=processor, device=self.device, dtype=self.dtype
        )


def report(
    bench: Bench, batches: list[int], photos: int, matrix_side: int, compiled: bool
) -> list[str]:
    """Markdown."""
    rate, flops = bench.matrix_rate(matrix_side), bench.flops()
    lines = [
        f"Matrix product, {matrix_side} squared, {str(bench.dtype).removeprefix('torch.')}: "
        f"{rate / 1e12:.1f} TFLOP/s. Network at {bench.size[1]} x {bench.size[0]}: "
        f"{flops / 1e9:.1f} GFLOP an image. Worst deviation from fp32: "
        f"{bench.deviation():.2%} of the range.",
        "",
        "| batch | network, ms | of the matrix product's rate | as a CUDA graph, ms "
        "| pixels to depth, ms | images/s |",
        "|---|---|---|---|---|---|",
    ]
    for batch in batches:
        alone_s, graph_s = bench.network_alone(batch), bench.as_graph(batch)
        whole_s = bench.runtime(batch)
        share = batch * flops / alone_s / rate
        graph = "" if graph_s is None else f"{1e3 * graph_s:.2f}"
        lines.append(
            f"| {batch} | {1e3 * alone_s:.2f} | {share:.1%} | {graph} | {1e3 * whole_s:.2f} "
            f"| {batch / whole_s:.1f} |"
        )
    if compiled:
        for batch in sorted({batches[0], batches[-1]}):
            run_s, first_s = bench.compiled(batch)
            lines += [
                "",
                f"torch.compile, batch {batch}: {1e3 * run_s:.2f} ms, after {first_s:.0f} s for "
                "the first run.",
            ]
    jpegs = bench.jpegs(photos)
    ours_s = bench.ours(jpegs)
    lines += ["", "| from JPEG bytes | images/s | |", "|---|---|---|"]
    lines.append(f"| vizion3d, `run_many` | {photos / ours_s:.1f} | |")
    for batch in sorted({1, batches[-1]}):
        theirs_s = bench.theirs(jpegs, batch)
        lines.append(
            f"| transformers, batch {batch} | {photos / theirs_s:.1f} "
            f"| ours is {theirs_s / ours_s:.2f}x |"
        )
    return lines


def describe(device: torch.device) -> str:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    return f"{name}; {os.cpu_count()} cores; torch {torch.__version__}."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--encoder", choices=ENCODERS, default="vitb")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 2, 4, 8, 16, 32])
    parser.add_argument("--photos", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--matrix", type=int, default=8192, help="side of the matrix product")
    parser.add_argument("--compile", action="store_true", help="also measure torch.compile")
    parser.add_argument("--out", type=Path, help="also write the report there")
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(device, arguments.encoder, arguments.rounds, Path(folder))
        lines = report(
            bench, arguments.batches, arguments.photos, arguments.matrix, arguments.compile
        )
    text = "\n".join([f"## {arguments.encoder} on {device}", "", describe(device), "", *lines, ""])
    print(text)
    if arguments.out:
        arguments.out.write_text(text)


if __name__ == "__main__":
    main()
