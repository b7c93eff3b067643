"""How far each precision's depth is from fp32's, on real photos.

``python -m benchmarks.precision``. For every checkpoint that is at hand: the largest difference as
a share of the depth's range, and, after the best scale and shift, AbsRel and delta-1 of the depths
1 / (d + 0.05) that the inverse depths d in [0, 1] stand for; of depth up to scale as it is. Sky has
no depth: pixels that either calls sky do not count, and the share that only one does is told.
"""

import argparse
import json
import math
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
from tests.support.seeds import DA3_MONO, DA3_SMALL, save_depth_anything_3
from vizion3d.app import build_container
from vizion3d.checkpoints.queries import ListModelsQuery
from vizion3d.checkpoints.store import CheckpointStore
from vizion3d.geometry.depth import scale_inverse_depth
from vizion3d.lifting.commands import DepthEstimationCommand
from vizion3d.networks.base import Meaning, Network
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
"""RGB ``(H, W, 3)`` -> depth ``(H, W)``, not a number where there is sky."""

SEEDED = {"seeded_da3-small": DA3_SMALL, "seeded_da3mono-large": DA3_MONO}
"""Depth Anything 3, whose released files nobody may be asked to have. With seeded weights much of
a photo lies at the threshold of sky in the monocular one."""


def ours(model: str, runtime: str, precision: str) -> Estimate:
    """A loaded checkpoint."""
    settings = load_settings(runtime=runtime, precision=precision, device="cpu")
    commands = build_container(settings).commands

    def estimate(photo: NDArray[np.uint8]) -> Depth:
        result = commands.dispatch(DepthEstimationCommand(photo, model_backend=model))
        assert result.raw_depth is not None
        if result.sky is None:
            return result.raw_depth
        return np.where(result.sky, np.float32(np.nan), result.raw_depth)

    return estimate


def contestants(model: str) -> dict[str, Estimate]:
    """What is compared; the first is what the others are compared with."""
    wanted = ["torch fp32", "openvino fp32", "openvino bf16", "openvino int8", "torch bf16"]
    if network_of(model).int8 is None:
        wanted.remove("openvino int8")
    found = {label: ours(model, *label.split()) for label in wanted}
    if official.is_here() and official.knows(Path(model)):
        infer_image = official.load(Path(model))
        found["official code"] = lambda photo: infer_image(photo[..., ::-1])
    return found


def network_of(model: str) -> Network:
    """What a checkpoint holds."""
    return CheckpointStore(load_settings().model_cache).resolve(model).network


def seconds(estimates: dict[str, Estimate], rounds: int) -> dict[str, float]:
    """Medians over one photo, in turn; not a number without rounds."""
    if not rounds:
        return dict.fromkeys(estimates, math.nan)
    photo = PHOTOS["motorcycle"]()
    taken: dict[str, list[float]] = {label: [] for label in estimates}
    for _ in range(rounds):
        for label, estimate in estimates.items():
            start = time.perf_counter()
            estimate(photo)
            taken[label].append(time.perf_counter() - start)
    return {label: statistics.median(all_) for label, all_ in taken.items()}


def deviation(depth: Depth, exact: Depth, inverse: bool = True) -> dict[str, float]:
    """Largest difference by the range; AbsRel and delta-1 after the best scale and shift of inverse
    depth, or the best scale of depth; and the share of pixels that only one calls sky."""
    sky, exact_sky = np.isnan(depth), np.isnan(exact)
    depth, exact = (each[~(sky | exact_sky)] for each in (depth, exact))
    x = depth.astype(np.float64)
    if inverse:
        y = scale_inverse_depth(exact).astype(np.float64)
        scale, shift = np.polyfit(x, y, 1)
        ours, theirs = np.maximum(scale * x + shift, 0) + _FARTHEST, y + _FARTHEST
        ratio = theirs / ours
    else:
        y = exact.astype(np.float64)
        ratio = x * ((x @ y) / (x @ x)) / y
    return {
        "worst": float(np.abs(depth - exact).max() / np.ptp(exact)),
        "abs_rel": float(np.abs(ratio - 1).mean()),
        "delta_1": float((np.maximum(ratio, 1 / ratio) < 1.25).mean()),
        "sky": float((sky != exact_sky).mean()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", help="names or paths; default: all that are here")
    parser.add_argument("--only", choices=list(SEEDED), help="one of the seeded, in its own rows")
    parser.add_argument("--rounds", type=int, default=5, help="of the seconds; 0: none are told")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        seeded = save_checkpoint(Path(folder) / "seeded_vits.pth", VITS)
        listed = build_container(load_settings()).queries.dispatch(ListModelsQuery())
        here = [info.name for info in listed if info.cached and info.depth_kind != "disparity"]
        others = [
            str(save_depth_anything_3(Path(folder) / f"{name}.safetensors", config))
            for name, config in SEEDED.items()
            if arguments.only in (None, name) and not arguments.models
        ]
        every = others if arguments.only else [*here, str(seeded), *others]
        compare(arguments.models or every, arguments.rounds)


def machines_of(page: list[str], new: list[str]) -> list[str]:
    """The machine that the rows were measured on; those of ``new`` may have another than the rest.

    Args:
        page: What was written before.
        new: Checkpoints that are measured beside rows that stay; empty: all are new.
    """
    if not new:
        return [describe_machine()]
    told = [line for line in page if " cores; Python " in line]
    before = [line for line in told if not line.startswith(f"{', '.join(new)}: ")]
    return [*before, f"{', '.join(new)}: {describe_machine()}"]


def compare(models: list[str], rounds: int) -> None:
    """Measure the models and write the page; rows of others stay as they are."""
    names = [Path(model).name for model in models]
    page = (RESULTS / "precision.md").read_text().splitlines()
    rows = [line for line in page if line.startswith("| ")][1:]
    kept = [row for row in rows if row.split("|")[1].strip() not in names]
    lines = [
        "| checkpoint | by | worst, of the range | AbsRel, mean (worst) | delta-1, mean (worst) "
        "| sky differs, worst | seconds a photo |",
        "|---|---|---|---|---|---|---|",
        *kept,
    ]
    for model in models:
        estimates = contestants(model)
        depths_by = {
            label: {name: estimate(photo()) for name, photo in PHOTOS.items()}
            for label, estimate in estimates.items()
        }
        network = network_of(model)
        inverse = network.output(Meaning.INVERSE_DEPTH) is not None
        tells_sky = network.output(Meaning.SKY) is not None
        exact, taken = next(iter(depths_by.values())), seconds(estimates, rounds)
        for label, depths in depths_by.items():
            found = [deviation(depths[name], exact[name], inverse) for name in PHOTOS]
            print(json.dumps({"model": model, "by": label}), found)
            worst = max(f["worst"] for f in found)
            abs_rel, delta = ([f[key] for f in found] for key in ("abs_rel", "delta_1"))
            told_s = f"{taken[label]:.2f}" if rounds else "–"
            sky = f"{max(f['sky'] for f in found):.1%}" if tells_sky else "–"
            lines.append(
                f"| {Path(model).name} | {label} | {worst:.1e} "
                f"| {np.mean(abs_rel):.1e} ({max(abs_rel):.1e}) "
                f"| {np.mean(delta):.4f} ({min(delta):.4f}) | {sky} | {told_s} |"
            )
    report = [
        "## Precision",
        "",
        "`python -m benchmarks.precision`: deviation from torch in fp32 on four photos (coffee,",
        "astronaut, motorcycle, china), for every checkpoint at hand, a seeded vits and a seeded",
        "da3-small and da3mono-large. Seconds: medians for the motorcycle, 741 x 500 pixels, in",
        "turn. Pixels that either calls sky have no depth to compare.",
        "",
        *machines_of(page, names if kept else []),
        "",
        *lines,
    ]
    (RESULTS / "precision.md").write_text("\n".join(report) + "\n")
    print("\n".join(report))


if __name__ == "__main__":
    main()
