"""How far each precision's depth is from fp32's, on real photos.

``python -m benchmarks.precision``. For every checkpoint that is at hand: the largest difference as
a share of the depth's range, and, after the best scale and shift, AbsRel and delta-1 of the depths
1 / (d + 0.05) that the inverse depths d in [0, 1] stand for.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import official
from benchmarks.contestants import describe_machine
from tests.support import photos
from tests.support.checkpoints import VITS, save_checkpoint
from vizion3d.app import build_container
from vizion3d.checkpoints.queries import ListModelsQuery
from vizion3d.geometry.depth import scale_inverse_depth
from vizion3d.lifting.commands import DepthEstimationCommand
from vizion3d.settings import load_settings

RESULTS = Path(__file__).parent / "results"
PHOTOS = {
    "coffee": photos.coffee,
    "astronaut": photos.astronaut,
    "motorcycle": photos.motorcycle,
    "china": photos.china,
}
_FARTHEST = 0.05
"""Inverse depth that the farthest pixel gets, so that its depth is finite."""

Depth = NDArray[np.float32]
Estimate = Callable[[NDArray[np.uint8]], Depth]
"""RGB ``(H, W, 3)`` -> depth ``(H, W)``."""


def ours(model: str, runtime: str, precision: str) -> Estimate:
    """A loaded checkpoint."""
    settings = load_settings(runtime=runtime, precision=precision, device="cpu")
    commands = build_container(settings).commands
    return lambda photo: (
        commands.dispatch(DepthEstimationCommand(photo, model_backend=model)).raw_depth
    )


def contestants(model: str) -> dict[str, Estimate]:
    """What is compared; the first is what the others are compared with."""
    wanted = ("torch fp32", "openvino fp32", "openvino bf16", "openvino int8", "torch bf16")
    found = {label: ours(model, *label.split()) for label in wanted}
    if official.is_here() and official.knows(Path(model)):
        infer_image = official.load(Path(model))
        found["official code"] = lambda photo: infer_image(photo[..., ::-1])
    return found


def seconds(estimates: dict[str, Estimate], rounds: int) -> dict[str, float]:
    """Medians over one photo, in turn."""
    photo = PHOTOS["motorcycle"]()
    taken: dict[str, list[float]] = {label: [] for label in estimates}
    for _ in range(rounds):
        for label, estimate in estimates.items():
            start = time.perf_counter()
            estimate(photo)
            taken[label].append(time.perf_counter() - start)
    return {label: statistics.median(all_) for label, all_ in taken.items()}


def deviation(depth: Depth, exact: Depth) -> dict[str, float]:
    """Largest difference by the range; AbsRel and delta-1 after the best scale and shift."""
    x, y = depth.ravel().astype(np.float64), scale_inverse_depth(exact).ravel().astype(np.float64)
    scale, shift = np.polyfit(x, y, 1)
    ours, theirs = np.maximum(scale * x + shift, 0) + _FARTHEST, y + _FARTHEST
    ratio = theirs / ours
    return {
        "worst": float(np.abs(depth - exact).max() / np.ptp(exact)),
        "abs_rel": float(np.abs(ratio - 1).mean()),
        "delta_1": float((np.maximum(ratio, 1 / ratio) < 1.25).mean()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", help="names or paths; default: all that are here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        seeded = save_checkpoint(Path(folder) / "seeded_vits.pth", VITS)
        listed = build_container(load_settings()).queries.dispatch(ListModelsQuery())
        here = [info.name for info in listed if info.cached]
        compare(arguments.models or [*here, str(seeded)])


def compare(models: list[str]) -> None:
    """Measure the models and write the page."""
    lines = [
        "| checkpoint | by | worst, of the range | AbsRel, mean (worst) | delta-1, mean (worst) "
        "| seconds a photo |",
        "|---|---|---|---|---|---|",
    ]
    for model in models:
        estimates = contestants(model)
        depths_by = {
            label: {name: estimate(photo()) for name, photo in PHOTOS.items()}
            for label, estimate in estimates.items()
        }
        exact, taken = next(iter(depths_by.values())), seconds(estimates, 5)
        for label, depths in depths_by.items():
            found = [deviation(depths[name], exact[name]) for name in PHOTOS]
            print(json.dumps({"model": model, "by": label}), found)
            worst = max(f["worst"] for f in found)
            abs_rel, delta = ([f[key] for f in found] for key in ("abs_rel", "delta_1"))
            lines.append(
                f"| {Path(model).name} | {label} | {worst:.1e} "
                f"| {np.mean(abs_rel):.1e} ({max(abs_rel):.1e}) "
                f"| {np.mean(delta):.4f} ({min(delta):.4f}) | {taken[label]:.2f} |"
            )
    report = [
        "## Precision",
        "",
        "`python -m benchmarks.precision`: deviation from torch in fp32 on four photos (coffee,",
        "astronaut, motorcycle, china), for every checkpoint at hand and a seeded vits. Seconds:",
        "medians for the motorcycle, 741 x 500 pixels, in turn.",
        "",
        describe_machine(),
        "",
        *lines,
    ]
    (RESULTS / "precision.md").write_text("\n".join(report) + "\n")
    print("\n".join(report))


if __name__ == "__main__":
    main()
