"""Metres from relative depth, measured: ``python -m benchmarks.alignment``.

How long the fit to a depth image of a megapixel takes, beside NumPy's plain least squares, which
stands no wrong value; and on scikit-image's ``stereo_motorcycle``, whose depth is measured, how far
the aligned depth of ``nano`` is from it with 20 random true points, in two spaces, beside the best
possible: all of them.
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.contestants import RESULTS, describe_machine
from training.real import motorcycle
from vizion3d.errors import InvalidConfigError
from vizion3d.geometry.alignment import Alignment, Knowledge, Space, align
from vizion3d.lifting import DepthEstimation, DepthEstimationCommand

Array = NDArray[np.float64]

SIDE_PX, ROUNDS, DRAWS, POINTS = 1000, 9, 200, 20
WRONG_SHARE = 0.3


def seconds(work: Callable[[], object]) -> float:
    """Least CPU time of some runs: others on the machine only ever add."""
    taken = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def timing() -> list[str]:
    """A megapixel of LiDAR, three values in ten wrong."""
    rng = np.random.default_rng(0)
    inverse = rng.uniform(0.05, 1, (SIDE_PX, SIDE_PX))
    raw = (3 * inverse + 0.7).astype(np.float32)
    lidar = (1 / inverse).astype(np.float32)
    wrong = rng.random(lidar.shape) < WRONG_SHARE
    lidar[wrong] = rng.uniform(0.5, 60, int(wrong.sum()))
    known = Knowledge(sparse_depth_m=lidar)

    def ours() -> Alignment:
        found = align(raw, known, "inverse_depth")
        found.apply(raw)
        return found

    def plain() -> Array:
        values = raw.ravel().astype(np.float64)
        design = np.stack((values, np.ones_like(values)), axis=1)
        return np.asarray(np.linalg.lstsq(design, 1 / lidar.ravel(), rcond=None)[0])

    ours_s, plain_s = seconds(ours), seconds(plain)
    off = abs(3 * ours().scale - 1)
    off_plain = abs(3 * plain()[0] - 1)
    return [
        "| | CPU time | Scale off by |",
        "|---|---|---|",
        f"| `align`, robust, with the depth in metres | {1000 * ours_s:.0f} ms | {off:.1e} |",
        f"| `numpy.linalg.lstsq`, two numbers | {1000 * plain_s:.0f} ms | {off_plain:.1e} |",
        "",
        f"{SIDE_PX} x {SIDE_PX} known depths, {WRONG_SHARE:.0%} of them wrong; "
        f"ratio {ours_s / plain_s:.2f}.",
    ]


def median_error(found: Alignment, raw: Array, depth_m: Array, valid: NDArray[np.bool_]) -> float:
    """Median relative error of the depth, in per cent."""
    return 100 * float(np.median(np.abs(found.apply(raw)[valid] / depth_m[valid] - 1)))


def accuracy() -> list[str]:
    scene = motorcycle()
    photo, inverse, valid = scene.image, scene.inverse, scene.valid
    depth_m = 1 / np.where(valid, inverse, 1)
    everything = np.where(valid, depth_m, 0)
    network = DepthEstimation().run(DepthEstimationCommand(photo, "nano")).raw_depth
    rng = np.random.default_rng(0)
    distorted = 7.3 * np.where(valid, inverse, inverse[valid].min()) + 2.1
    rows = [
        "| Depth | Space of the fit | 20 points | All points | Refused |",
        "|---|---|---|---|---|",
    ]
    cases: list[tuple[str, Array, Space]] = [
        ("measured, distorted affinely", distorted, "inverse_depth"),
        ("measured, distorted affinely", -distorted, "depth"),
        ("`nano`", network.astype(np.float64), "inverse_depth"),
        ("`nano`", -network.astype(np.float64), "depth"),
    ]
    pixels = np.argwhere(valid)
    for name, raw, space in cases:
        best = align(raw, Knowledge(sparse_depth_m=everything), space)
        errors = []
        for _ in range(DRAWS):
            v, u = pixels[rng.integers(0, len(pixels), POINTS)].T
            try:
                found = align(raw, Knowledge(np.column_stack((u, v, depth_m[v, u]))), space)
            except InvalidConfigError:  # the points contradict the network
                errors.append(float("inf"))
            else:
                errors.append(median_error(found, raw, depth_m, valid))
        refused = sum(np.isinf(errors))
        all_points = median_error(best, raw, depth_m, valid)
        spaces = {"inverse_depth": "inverse depth", "depth": "depth (wrong)"}
        rows.append(
            f"| {name} | {spaces[space]} | {statistics.median(errors):.2g} % | {all_points:.2g} % "
            f"| {refused} |"
        )
    note = (
        f"Median error of the depth; for 20 points, the median of {DRAWS} draws, of which so many "
        "were refused as contradictory."
    )
    return [*rows, "", note]


def main(path: Path = RESULTS / "alignment.md") -> None:
    parts = ["# Alignment", "", describe_machine(), "", *timing(), "", *accuracy()]
    text = "\n".join(parts) + "\n"
    path.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
