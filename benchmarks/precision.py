"""How far each precision's depth is from fp32's, on real photos.

``python -m benchmarks.precision``. For every checkpoint that is at hand: the largest difference as
a share of the depth's range, and, after the best scale and shift, AbsRel and delta-1 of the depths
1 / (d + 0.05) that the inverse depths d in [0, 1] stand for.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import official
from tests.support import photos
from tests.support.checkpoints import VITS, save_checkpoint
from vizion3d.core.container import build_container
from vizion3d.lifting.commands import DepthEstimationCommand
from vizion3d.lifting.geometry import scale_inverse_depth
from vizion3d.lifting.queries import ListModelsQuery
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


def estimate(model: str, runtime: str, precision: str) -> dict[str, Depth]:
    """Depth of every photo."""
    settings = load_settings(runtime=runtime, precision=precision, device="cpu")
    commands = build_container(settings).commands
    return {
        name: commands.dispatch(DepthEstimationCommand(photo(), model_backend=model)).raw_depth
        for name, photo in PHOTOS.items()
    }


def others(model: str) -> Iterator[tuple[str, dict[str, Depth]]]:
    """What is compared with torch in fp32: its name, and the depth of every photo."""
    for runtime, precision in (("openvino", "fp32"), ("openvino", "bf16"), ("torch", "bf16")):
        yield f"{runtime} {precision}", estimate(model, runtime, precision)
    if official.is_here() and official.knows(Path(model)):
        infer_image = official.load(Path(model))
        yield "official code", {n: infer_image(photo()[..., ::-1]) for n, photo in PHOTOS.items()}


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
        "| checkpoint | by | worst, of the range | AbsRel, mean (worst) | delta-1, mean (worst) |",
        "|---|---|---|---|---|",
    ]
    for model in models:
        exact = estimate(model, "torch", "fp32")
        for label, depths in others(model):
            found = [deviation(depths[name], exact[name]) for name in PHOTOS]
            print(json.dumps({"model": model, "by": label}), found)
            worst = max(f["worst"] for f in found)
            abs_rel, delta = ([f[key] for f in found] for key in ("abs_rel", "delta_1"))
            lines.append(
                f"| {Path(model).name} | {label} | {worst:.1e} "
                f"| {np.mean(abs_rel):.1e} ({max(abs_rel):.1e}) "
                f"| {np.mean(delta):.4f} ({min(delta):.4f}) |"
            )
    report = [
        "## Precision",
        "",
        "`python -m benchmarks.precision`: deviation from torch in fp32 on four photos (coffee,",
        "astronaut, motorcycle, china), for every checkpoint at hand and a seeded vits.",
        "",
        *lines,
    ]
    (RESULTS / "precision.md").write_text("\n".join(report) + "\n")
    print("\n".join(report))


if __name__ == "__main__":
    main()
