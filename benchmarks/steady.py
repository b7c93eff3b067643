"""Steady video, measured: ``python -m benchmarks.steady``.

A camera moves through rendered scenes whose depth and motion are exact. Each frame's depth is made
by a simulated network (truth times a random scale plus a random shift, new for every frame, and
noise) or by ``nano``; then it is taken raw, with a running range as it evens out colours,
or steadied. Measured in inverse depth, as shares of the scene's mean, after *one* scale and shift
for the whole film:

* flicker: what changes from frame to frame in the scale and shift that each frame would still need;
* inconsistency: how much the error changes along the true motion of each point, noise included;
* drift: how far the last frames are from the first in scale;
* accuracy: AbsRel of the depth after the best scale and shift of each frame.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.contestants import RESULTS, describe_machine
from benchmarks.moving import View, films
from tests.support.checkpoints import VITS, save_checkpoint
from vizion3d.geometry.steady import Steadier
from vizion3d.lifting import DepthEstimation, DepthEstimationCommand
from vizion3d.outputs.depth_video import RunningRange

Array = NDArray[np.float64]
Floats = NDArray[np.float32]

HEIGHT_PX, WIDTH_PX, FPS = 144, 192, 30
SPEED_M = 0.03
SCALE_SIGMA, SHIFT_SIGMA, NOISE = 0.15, 0.1, 0.02


def simulated(views: list[View], seed: int) -> list[Floats]:
    """Truth by a network that flickers."""
    rng = np.random.default_rng(seed)
    out = []
    for view in views:
        truth = view.inverse_m
        mean = float(truth.mean())
        scale = np.exp(rng.normal(0, SCALE_SIGMA))
        shift = rng.normal(0, SHIFT_SIGMA) * mean
        coarse = cv2.resize(
            rng.normal(0, 1, (12, 16)), truth.shape[::-1], None, 0, 0, cv2.INTER_CUBIC
        )
        noise = NOISE * mean * (coarse + rng.normal(0, 1, truth.shape))
        out.append((scale * (truth + noise) + shift).astype(np.float32))
    return out


def nano(views: list[View]) -> list[Floats]:
    task = DepthEstimation()
    commands = (DepthEstimationCommand(view.image, "nano") for view in views)
    return [result.raw_depth for result in task.run_many(commands)]


def ranged(_: list[View], depths: list[Floats]) -> list[Floats]:
    """The running range of a colour-mapped video."""
    running, out = RunningRange(), []
    for number, depth in enumerate(depths):
        low, high = running.follow(float(depth.min()), float(depth.max()), number / FPS)
        out.append((depth - low) / max(high - low, 1e-9))
    return out


def steadied(views: list[View], depths: list[Floats]) -> list[Floats]:
    steadier = Steadier()
    return [
        steadier.follow(depth, view.image).apply(depth)
        for view, depth in zip(views, depths, strict=True)
    ]


def line(x: Array, y: Array) -> tuple[float, float]:
    slope, offset = np.polyfit(x, y, 1)
    return float(slope), float(offset)


def judge(views: list[View], depths: list[Floats]) -> dict[str, float]:
    """See the module's docstring; in per cent."""
    solid = [view.inverse_m > 1e-3 for view in views]
    truth = np.concatenate([v.inverse_m[s] for v, s in zip(views, solid, strict=True)])
    ours = np.concatenate([d[s] for d, s in zip(depths, solid, strict=True)]).astype(np.float64)
    slope, offset = line(ours, truth)
    mean = float(truth.mean())
    films = [slope * d.astype(np.float64) + offset for d in depths]
    fits = [line(v.inverse_m[s], f[s]) for v, s, f in zip(views, solid, films, strict=True)]
    flicker, inconsistency, accuracy = [], [], []
    for i in range(1, len(views)):
        now, here = views[i].inverse_m, solid[i]
        change = (fits[i][0] - fits[i - 1][0]) * now[here] + fits[i][1] - fits[i - 1][1]
        flicker.append(np.sqrt(np.mean(change**2)) / mean)
        at, inverse = views[i].into(views[i - 1])
        u, v = np.moveaxis(at.astype(np.float32), -1, 0)
        seen = cv2.remap(views[i - 1].inverse_m, u, v, cv2.INTER_LINEAR, borderValue=0)
        before = cv2.remap(films[i - 1], u, v, cv2.INTER_LINEAR, borderValue=0)
        same = here & (np.abs(seen - inverse) < 0.01 * inverse)
        error = np.abs((films[i] - now) - (before - inverse))[same]
        inconsistency.append(float(error.mean()) / mean)
    for view, here, depth in zip(views, solid, depths, strict=True):
        a, b = line(depth[here].astype(np.float64), view.inverse_m[here])
        aligned = np.maximum(a * depth[here] + b, 1e-3)
        accuracy.append(float(np.mean(np.abs(view.inverse_m[here] / aligned - 1))))
    end = max(1, len(views) // 8)
    scales = [a for a, _ in fits]
    drift = abs(statistics.median(scales[-end:]) / statistics.median(scales[:end]) - 1)
    values = {
        "flicker": float(np.mean(flicker)),
        "inconsistency": statistics.mean(inconsistency),
        "drift": drift,
        "AbsRel": statistics.mean(accuracy),
    }
    return {name: 100 * value for name, value in values.items()}


WAYS: dict[str, Callable[[list[View], list[Floats]], list[Floats]]] = {
    "raw": lambda _, depths: depths,
    "running min-max": ranged,
    "steady": steadied,
}


def table(
    shots: dict[str, list[list[View]]], make: Callable[[list[View], int], list[Floats]]
) -> list[str]:
    rows = ["| Camera | | Flicker | Inconsistency | Drift | AbsRel |", "|---|---|---|---|---|---|"]
    for camera, films_ in shots.items():
        made = [make(views, seed) for seed, views in enumerate(films_)]
        for way, work in WAYS.items():
            judged = [judge(v, work(v, d)) for v, d in zip(films_, made, strict=True)]
            means = [statistics.mean(j[key] for j in judged) for key in judged[0]]
            cells = " | ".join(f"{value:.2f} %" for value in means)
            rows.append(f"| {camera} | {way} | {cells} |")
    return rows


def cost() -> str:
    """CPU time of the fit for a frame of 1920 x 1080, and of networks and their pipeline at 518."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 255, (108, 192, 3), np.uint8)
    image = cv2.resize(noise, (1920, 1080)).astype(np.uint8)
    depth = cv2.resize(rng.random((108, 192), np.float32), (1920, 1080)).astype(np.float32)
    frames = [(np.roll(depth, shift, 1), np.roll(image, shift, 1)) for shift in range(12)]
    steadier, task = Steadier(), DepthEstimation()
    steadier.follow(*frames.pop(0))  # the first of a shot is fitted to nothing
    fit_s = least_s([partial(steadier.follow, *frame) for frame in frames])
    told = [f"The fit of a frame of 1920 x 1080: {1000 * fit_s:.0f} ms of CPU time"]
    with tempfile.TemporaryDirectory() as folder:
        vits = save_checkpoint(Path(folder) / "vits.safetensors", VITS)
        for name, model in (("nano", "nano"), ("a vits", str(vits))):
            command = DepthEstimationCommand(image, model, input_size=518)
            network_s = least_s([partial(task.run, command)] * 4)
            told.append(f"{name} at 518: {1000 * network_s:.0f} ms, ratio {fit_s / network_s:.3f}")
    return "; ".join(told) + "."


def least_s(calls: Sequence[Callable[[], object]]) -> float:
    """CPU time of the quickest."""
    taken = []
    for call in calls:
        start = time.process_time()
        call()
        taken.append(time.process_time() - start)
    return min(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--films", type=int, default=2, help="films of each kind of camera")
    parser.add_argument("--frames", type=int, default=40, help="frames of a film")
    parser.add_argument("--nano-frames", type=int, default=15, help="frames that nano sees")
    parser.add_argument("--output", type=Path, default=RESULTS / "steady.md")
    args = parser.parse_args()
    shots = {
        name: films(args.films, args.frames, HEIGHT_PX, WIDTH_PX, speed)
        for name, speed in (("still", 0.0), ("moving", SPEED_M))
    }
    short = {name: [views[: args.nano_frames] for views in made] for name, made in shots.items()}
    parts = [
        "# Steady video",
        describe_machine(),
        f"{args.films} films of each kind, {args.frames} frames of {WIDTH_PX} x {HEIGHT_PX}; the "
        f"moving camera goes {SPEED_M * FPS:.1f} m/s at {FPS} frames/s and turns.",
        f"## A simulated network\n\nTruth with a scale of {SCALE_SIGMA:.0%}, a shift of "
        f"{SHIFT_SIGMA:.0%} and noise of {NOISE:.0%}, standard deviations of every frame.",
        "\n".join(table(shots, simulated)),
    ]
    if args.nano_frames:
        parts += [
            f"## nano, {args.nano_frames} frames",
            "\n".join(table(short, lambda v, _: nano(v))),
        ]
        parts.append(cost())
    text = "\n\n".join(parts) + "\n"
    args.output.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
