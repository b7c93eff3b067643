"""Time, memory and precision of the stereo networks on a GPU: seeded weights, the released sizes.

``python -m benchmarks.gpu_stereo [NAME ...]`` from the source tree; it needs torch and the light
dependencies of vizion3d. ``--device cpu --size 96 64`` runs anywhere, and tells no memory.
"""

import argparse
import gc
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.gpu import describe
from tests.support.seeds import LAS2, save_lite_any_stereo, stereo_pair
from vizion3d.checkpoints.store import Checkpoint, CheckpointStore
from vizion3d.core.arrays import Float32Array, UInt8Array
from vizion3d.networks.base import Size
from vizion3d.runtime.torch_runtime import TorchRuntime
from vizion3d.settings import Precision

SIZE = (741, 500)
"""Width and height of the pair "Motorcycle", pixels: the networks see it at 736 x 480 or so."""
PRECISIONS: dict[str, tuple[Precision, ...]] = {
    "cuda": ("fp32", "bf16", "fp16"),
    "cpu": ("fp32", "bf16"),
}


def measure(
    checkpoint: Checkpoint,
    device: torch.device,
    precision: Precision,
    pair: dict[str, UInt8Array],
    rounds: int,
) -> tuple[float, float, int, Float32Array]:
    """Seconds of the first run and of a warm one (median), peak bytes, and the disparity.

    Args:
        checkpoint: Of a stereo network.
        device: Where it runs.
        precision: In which.
        pair: ``left`` and ``right``, ``(1, H, W, 3)``.
        rounds: After the first and one more.

    Returns:
        The bytes are those of torch's tensors on the GPU, weights included; 0 on a CPU.
    """
    gc.collect()  # the network before this one is not to be counted
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    runtime = TorchRuntime(checkpoint, str(device), precision)
    size = checkpoint.network.recipe.network_size(*pair["left"].shape[1:3])
    taken = []
    for _ in range(rounds + 2):
        start = time.perf_counter()
        disparity = runtime.infer(pair, size)["disparity"]  # back in the host's memory
        taken.append(time.perf_counter() - start)
    peak_bytes = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0
    return taken[0], statistics.median(taken[2:]), peak_bytes, disparity[0]


def rows(name: str, device: torch.device, size: Size, rounds: int, folder: Path) -> list[str]:
    """One network in every precision of the device."""
    path = save_lite_any_stereo(folder / f"{name}.pth", LAS2[name])
    checkpoint = CheckpointStore(folder).read(path).checkpoint
    width, height = size
    pair = {
        side: image[0].permute(1, 2, 0).to(torch.uint8).contiguous().numpy()[None]
        for side, image in zip(("left", "right"), stereo_pair(height, width), strict=True)
    }
    seen = checkpoint.network.recipe.network_size(height, width)
    exact: Float32Array | None = None
    lines = []
    for precision in PRECISIONS[device.type]:
        told = measure(checkpoint, device, precision, pair, rounds)
        first_s, seconds, peak_bytes, disparity = told
        exact = disparity if exact is None else exact
        off = np.abs(disparity - exact)
        lines.append(
            f"| {name} | {precision} | {seen[1]} x {seen[0]} | {first_s:.2f} | {seconds:.4f} | "
            f"{1 / seconds:.1f} | {peak_bytes / 1e9:.2f} GB | {off.mean():.1e} | {off.max():.1e} | "
            f"{off.max() / np.ptp(exact):.1e} |"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=[*LAS2], help=", ".join(LAS2))
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--size", type=int, nargs=2, default=SIZE, help="width and height, pixels")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--out", type=Path, help="also write the report there")
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    lines = [
        f"## Stereo networks on {device}",
        "",
        describe(device),
        "",
        "| network | precision | seen at | the first, s | seconds a pair | pairs/s "
        "| peak GPU memory | off in the mean, px | at most, px | of the range |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.names:
            lines += rows(name, device, tuple(arguments.size), arguments.rounds, Path(folder))
    text = "\n".join([*lines, ""])
    print(text)
    if arguments.out:
        arguments.out.write_text(text)


if __name__ == "__main__":
    main()
