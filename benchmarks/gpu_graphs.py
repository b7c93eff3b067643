"""Networks as CUDA graphs beside the same networks without: numbers, time and memory.

``python -m benchmarks.gpu_graphs [NAME ...]`` from the source tree; it needs what
``benchmarks.gpu_stereo`` needs. Weights are seeded. Each row is printed when it is there. On
``--device cpu`` nothing is captured; it shows that the program runs.
"""

import argparse
import gc
import logging
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks.gpu import ROOT, describe
from tests.support.checkpoints import TINY, VITB, checkpoint_at, save_checkpoint
from tests.support.seeds import (
    DA3_MONO_TINY,
    DA3_SMALL,
    LAS2,
    save_depth_anything_3,
    save_lite_any_stereo,
    stereo_pair,
)
from vizion3d.checkpoints.store import Checkpoint
from vizion3d.core.arrays import UInt8Array
from vizion3d.networks.nano.config import LITE2, NanoConfig
from vizion3d.networks.nano.model import Nano
from vizion3d.networks.nano.network import NanoNetwork
from vizion3d.runtime.base import Images, Maps
from vizion3d.runtime.cuda_graphs import RUNS_BEFORE
from vizion3d.runtime.torch_runtime import TorchRuntime
from vizion3d.settings import Precision

PHOTO_SIZE = (1024, 768)
PAIR_SIZE = (741, 500)
"""Width and height, pixels."""
BATCHES = (1,)


class ReadingNetwork(NanoNetwork):
    """``nano`` that looks at its answer on the host, and so cannot be captured."""

    def build(self, tensors: Mapping[str, Tensor]) -> Nano:
        """See :meth:`vizion3d.networks.base.Network.build`."""
        module = super().build(tensors)
        module.register_forward_hook(
            lambda _module, _inputs, depth: depth if depth.max().item() > 0 else depth + 1
        )
        return module


@torch.no_grad()
def save_nano(path: Path) -> Path:
    """A seeded checkpoint."""
    torch.manual_seed(0)
    module = Nano(NanoConfig(LITE2))
    for parameter in module.parameters():
        fan_in = parameter[0].numel()
        parameter.normal_(0.0, (2 / fan_in) ** 0.5 if parameter.ndim == 4 else 0.1)
    torch.save(module.state_dict(), path)
    return path


def depth_anything_v2(encoder: str, folder: Path) -> Checkpoint:
    sizes = {"tiny": TINY, "vitb": VITB}[encoder]
    return checkpoint_at(save_checkpoint(folder / f"{encoder}.pth", sizes))


def depth_anything_3(name: str, folder: Path) -> Checkpoint:
    config = {"small": DA3_SMALL, "mono": DA3_MONO_TINY}[name]
    return checkpoint_at(save_depth_anything_3(folder / f"{name}.safetensors", config))


def stereo(name: str, folder: Path) -> Checkpoint:
    return checkpoint_at(save_lite_any_stereo(folder / f"{name}.pth", LAS2[name]))


def nano(folder: Path) -> Checkpoint:
    return checkpoint_at(save_nano(folder / "nano.pth"))


def uncapturable(folder: Path) -> Checkpoint:
    return Checkpoint(save_nano(folder / "reading.pth"), ReadingNetwork(NanoConfig(LITE2)))


@dataclass(frozen=True)
class Case:
    """A network in a precision.

    Attributes:
        save: Writes its checkpoint into a folder.
        precision: Of weights and arithmetic; ``auto`` is fp16 on CUDA.
    """

    save: Callable[[Path], Checkpoint]
    precision: Precision = "auto"


CASES = {
    "depth_anything_v2, tiny": Case(partial(depth_anything_v2, "tiny")),
    "depth_anything_v2, vitb": Case(partial(depth_anything_v2, "vitb")),
    "depth_anything_v2, vitb, fp32": Case(partial(depth_anything_v2, "vitb"), "fp32"),
    "depth_anything_3, small": Case(partial(depth_anything_3, "small")),
    "depth_anything_3, mono, tiny": Case(partial(depth_anything_3, "mono")),
    "las2-s": Case(partial(stereo, "las2-s")),
    "las2-s, fp32": Case(partial(stereo, "las2-s"), "fp32"),
    "las2-h": Case(partial(stereo, "las2-h")),
    "reads its output": Case(uncapturable),
    "nano": Case(nano),
}


def inputs(checkpoint: Checkpoint, batch: int, shift: int) -> dict[str, UInt8Array]:
    """A batch for a network, another one for each shift."""
    if len(checkpoint.network.inputs) == 1:
        with Image.open(ROOT / "examples" / "coffee.jpg") as photo:
            single = [np.asarray(photo.convert("RGB").resize(PHOTO_SIZE))]
    else:
        pair = stereo_pair(PAIR_SIZE[1], PAIR_SIZE[0])
        single = [image[0].permute(1, 2, 0).to(torch.uint8).numpy() for image in pair]
    return {
        name: np.stack([np.roll(image, 40 * (shift + i), axis=0) for i in range(batch)])
        for name, image in zip(checkpoint.network.inputs, single, strict=True)
    }


def warm_s(runtime: TorchRuntime, images: Images, rounds: int) -> float:
    """Seconds of a run, back in the host's memory, in the median."""
    (shape,) = {image.shape for image in images.values()}
    size = runtime.network.recipe.network_size(*shape[1:3])
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        runtime.infer(images, size)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def answers(runtime: TorchRuntime, batches: Sequence[Images]) -> list[Maps]:
    (shape,) = {image.shape for images in batches for image in images.values()}
    size = runtime.network.recipe.network_size(*shape[1:3])
    return [runtime.infer(images, size) for images in batches]


def furthest(found: Sequence[Maps], expected: Sequence[Maps]) -> float:
    """The largest difference, as a share of the range of its output."""
    return max(
        float(np.abs(maps[name] - right[name]).max() / (np.ptp(right[name]) or 1.0))
        for maps, right in zip(found, expected, strict=True)
        for name in right
    )


def reserved(device: torch.device, *, unused_too: bool) -> int:
    """Bytes of the device that torch has; without those that nobody uses, unless they count."""
    if device.type != "cuda":
        return 0
    gc.collect()
    if not unused_too:
        torch.cuda.empty_cache()
    return torch.cuda.memory_reserved(device)


def rows(
    name: str, device: torch.device, batches: Sequence[int], rounds: int, folder: Path
) -> Iterator[str]:
    """One network: each size of a batch first without graphs, then with them."""
    case = CASES[name]
    checkpoint = case.save(folder)
    before = reserved(device, unused_too=False)
    given = {
        batch: [inputs(checkpoint, batch, shift) for shift in range(RUNS_BEFORE + 3)]
        for batch in batches
    }
    eager = TorchRuntime(checkpoint, str(device), case.precision, graphs=0)
    expected = {batch: answers(eager, given[batch]) for batch in batches}
    again = {batch: furthest(answers(eager, given[batch]), expected[batch]) for batch in batches}
    eager_s = {batch: warm_s(eager, given[batch][0], rounds) for batch in batches}
    eager_bytes = reserved(device, unused_too=True) - before
    del eager
    reserved(device, unused_too=False)
    graphed = TorchRuntime(checkpoint, str(device), case.precision)
    for count, batch in enumerate(batches, 1):
        found = answers(graphed, given[batch])
        captured = "yes" if graphed.graphs == count else "no"
        off = furthest(found, expected[batch])
        seconds = warm_s(graphed, given[batch][0], rounds)
        yield (
            f"| {name} | {batch} | {captured} | {off:.1e} | {again[batch]:.1e} "
            f"| {1e3 * eager_s[batch]:.2f} | {1e3 * seconds:.2f} "
            f"| {eager_bytes / 1e9:.2f} GB "
            f"| {(reserved(device, unused_too=True) - before) / 1e9:.2f} GB |"
        )
    del graphed
    left = reserved(device, unused_too=False) - before
    yield f"| {name} | unloaded | | | | | | | {left / 1e9:.2f} GB |"


HEADER = (
    "| network | batch | captured | off, of the range, at most | without graphs a second time "
    "| without graphs, ms | with graphs, ms | GPU memory without graphs, all batches "
    "| with graphs |",
    "|---" * 9 + "|",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=[*CASES], help="; ".join(CASES))
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--batches", type=int, nargs="+", default=BATCHES)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--out", type=Path, help="also write the report there")
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    logging.basicConfig(level=logging.INFO, format="%(message)s")  # why something is not captured
    report: list[str] = []

    def tell(line: str) -> None:
        print(line, flush=True)
        report.append(line)
        if arguments.out:
            arguments.out.write_text("\n".join([*report, ""]))

    for line in (f"## CUDA graphs on {device}", "", describe(device), "", *HEADER):
        tell(line)
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.names:
            for row in rows(name, device, arguments.batches, arguments.rounds, Path(folder)):
                tell(row)


if __name__ == "__main__":
    main()
