"""Stereo depth on a real pair with truth, beside plain ``cv2.StereoSGBM``, in one run.

``python -m benchmarks.stereo`` writes ``benchmarks/results/stereo.md``. With ``peer [ROUNDS]`` it
writes ``stereo_peer.md``: the time beside vizion3d 1.5.6, whose environment ``make bench`` makes.
The matcher's parameters were tuned on the motorcycle pair: its accuracy there is that of the pair
that they were chosen by.
``--rendered 64`` measures the matchers on so many rendered pairs, by which none was tuned, and
writes ``stereo_rendered.md``.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.contestants import PEER, describe_machine
from tests.support import stereo_scenes as scenes
from vizion3d.stereo import StereoDepth, StereoDepthAdvancedConfig, StereoDepthCommand
from vizion3d.stereo.filling import from_background

RESULT = Path(__file__).parent / "results" / "stereo.md"
UInt8Array = NDArray[np.uint8]
FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]
DISPARITIES = 64
PLAIN, TWENTY_LINES = "`cv2.StereoSGBM`, usual parameters", "and twenty lines around it"
OURS = "vizion3d"


def in_pixels(sixteenths: cv2.typing.MatLike) -> FloatArray:
    return (sixteenths / 16).astype(np.float32)


def plain_sgbm(
    left: UInt8Array, right: UInt8Array, disparities: int = DISPARITIES
) -> tuple[FloatArray, BoolArray]:
    """OpenCV's matcher with the parameters of its documentation."""
    block = 5
    matcher = cv2.StereoSGBM.create(
        0, disparities, block, 8 * 3 * block**2, 32 * 3 * block**2, 1, 63, 10, 100, 2
    )
    disparity = in_pixels(matcher.compute(left, right))
    return disparity, disparity > 0


def twenty_lines(
    left: UInt8Array, right: UInt8Array, disparities: int = DISPARITIES
) -> tuple[FloatArray, BoolArray]:
    """What a careful user writes around it: padding, left-right check, speckles, filling."""

    def match(a: UInt8Array, b: UInt8Array) -> FloatArray:
        padded = (
            cv2.copyMakeBorder(cv2.cvtColor(x, cv2.COLOR_RGB2GRAY), 0, 0, disparities, 0, 1)
            for x in (a, b)
        )
        matcher = cv2.StereoSGBM.create(0, disparities, 3, 72, 288, -1, 63)
        return in_pixels(matcher.compute(*padded)[:, disparities:])

    disparity = match(left, right)
    other = match(right[:, ::-1], left[:, ::-1])[:, ::-1]
    width = disparity.shape[1]
    partner = np.rint(np.arange(width) - disparity).astype(int).clip(0, width - 1)
    valid = np.abs(np.take_along_axis(other, partner, 1) - disparity) <= 1
    marked = np.where(valid, disparity * 16, -16000).astype(np.int16)
    cv2.filterSpeckles(marked, -16000, 100, 16)
    valid &= marked != -16000
    filled = from_background(disparity, valid)
    return np.where(valid, filled, cv2.medianBlur(filled, 5)), valid


def ours(left: UInt8Array, right: UInt8Array) -> tuple[FloatArray, BoolArray]:
    """This library, holes filled."""
    config = scenes.motorcycle().config.model_copy(update={"fill": True})
    command = StereoDepthCommand(left, right, return_depth_image=False, advanced_config=config)
    result = StereoDepth().run(command)
    assert result.valid is not None
    return result.disparity, result.valid


MATCHERS: dict[str, Callable[[UInt8Array, UInt8Array], tuple[FloatArray, BoolArray]]] = {
    PLAIN: plain_sgbm,
    TWENTY_LINES: twenty_lines,
    OURS: ours,
}


def changed(image: UInt8Array, gamma: float, gain: float, noise: float, lit: bool) -> UInt8Array:
    """The photo at another exposure: ``255 gain (v / 255)^gamma``, noise, light from elsewhere."""
    random = np.random.default_rng(0)
    value = 255 * gain * (image / 255.0) ** gamma
    if lit:
        field = random.uniform(0.5, 1.4, (3, 4)).astype(np.float32)
        size = image.shape[1], image.shape[0]
        value = value * cv2.resize(field, size, interpolation=cv2.INTER_CUBIC)[..., None]
    return np.clip(np.rint(value + random.normal(0, noise, image.shape)), 0, 255).astype(np.uint8)


EXPOSURES: dict[str, tuple[float, float, float, bool]] = {
    "as it is": (1, 1, 0, False),
    "gamma 0.7, gain 0.8": (0.7, 0.8, 0, False),
    "gamma 1.6, gain 0.6, noise 3": (1.6, 0.6, 3, False),
    "gain 0.3, noise 2": (1, 0.3, 2, False),
    "other light, gain 0.9, noise 2": (1, 0.9, 2, True),
    "gain 1.8 (clipped), noise 1": (1, 1.8, 1, False),
}


def seconds(run: Callable[[], object], rounds: int = 5) -> float:
    """Median, after one to warm up."""
    taken = []
    for number in range(rounds + 1):
        start = time.perf_counter()
        run()
        if number:
            taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def accuracy() -> list[str]:
    scene = scenes.motorcycle()
    known = scene.known
    lines = [
        "| the right photo | matcher | bad 2.0, all | bad 2.0, valid | density | depth error "
        "(median) | seconds |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for title, how in EXPOSURES.items():
        right = changed(scene.right, *how)
        for name, match in MATCHERS.items():
            disparity, valid = match(scene.left, right)
            error = np.abs(disparity - scene.disparity)
            counted = valid & known
            doffs = scene.config.doffs
            depth = (scene.disparity[counted] + doffs) / (disparity[counted] + doffs) - 1
            taken = seconds(partial(match, scene.left, right), 3)
            lines.append(
                f"| {title} | {name} | {(error > 2)[known].mean():.3f} | "
                f"{(error > 2)[counted].mean():.3f} | {counted.sum() / known.sum():.3f} | "
                f"{100 * np.median(np.abs(depth)):.2f} % | {taken:.2f} |"
            )
    return lines


def planes() -> list[str]:
    lines = [
        "| planes | median error | within 0.5 % | density |",
        "| --- | --- | --- | --- |",
    ]
    sets = {
        "a wall": scenes.FRONT,
        "a slanted wall": scenes.SLANTED,
        "a floor": scenes.FLOOR,
        "a board before a wall": scenes.TWO,
    }
    for name, each in sets.items():
        pair = scenes.render_pair(each, scenes.camera(640, 480, 800.0))
        result = StereoDepth().run(
            StereoDepthCommand(
                pair.left, pair.right, return_depth_image=False, advanced_config=pair.config
            )
        )
        assert result.valid is not None
        seen = result.valid & pair.seen_by_both
        error = np.abs(result.depth_m / pair.depth_m - 1)[seen]
        lines.append(
            f"| {name} | {100 * np.median(error):.3f} % | {(error < 0.005).mean():.4f} | "
            f"{seen.sum() / pair.seen_by_both.sum():.3f} |"
        )
    return lines


def end_to_end(name: str) -> None:
    """Seconds and peak memory of one size, files to cloud; run in a process of its own."""
    scene = scenes.motorcycle()
    width, height, disparities = (741, 500, None) if name == "small" else (1920, 1080, 192)
    images = [cv2.resize(x, (width, height)) for x in (scene.left, scene.right)]
    left, right = (cv2.imencode(".jpg", x[..., ::-1])[1].tobytes() for x in images)
    scale = width / 741
    fields: dict[str, Any] = {
        **{n: scenes.MOTORCYCLE_CAMERA[n] * scale for n in ("focal_length", "cx", "cy", "doffs")},
        "baseline": scenes.MOTORCYCLE_CAMERA["baseline"],
    }
    config = StereoDepthAdvancedConfig(**fields)
    if disparities is not None:
        product = config.focal_length * config.baseline / 1000
        config.z_far = product / (0 + config.doffs)
        config.min_depth_m = product / (disparities - 1 + config.doffs)
    command = StereoDepthCommand(
        left, right, return_depth_image=False, return_point_cloud=True, advanced_config=config
    )
    taken = seconds(lambda: StereoDepth().run(command))
    before = time.process_time()
    StereoDepth().run(command)
    at_work = time.process_time() - before
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"| {width} x {height} | {disparities or 'found'} | {taken:.2f} | {at_work:.2f} | "
        f"{peak_mb:.0f} |"
    )


def beside_1_5_6(rounds: int) -> str:
    """Two JPEG files to a point cloud: ours, and 1.5.6's S2M2-L with seeded weights."""
    scene = scenes.motorcycle()
    with tempfile.TemporaryDirectory() as folder:
        left, right = (str(Path(folder) / f"{side}.jpg") for side in ("left", "right"))
        for path, image in ((left, scene.left), (right, scene.right)):
            cv2.imwrite(path, image[..., ::-1])
        command = StereoDepthCommand(
            left,
            right,
            return_depth_image=False,
            return_point_cloud=True,
            advanced_config=scene.config,
        )
        ours_s = []
        for _ in range(10):
            start, at_work = time.perf_counter(), time.process_time()
            StereoDepth().run(command)
            ours_s.append((time.perf_counter() - start, time.process_time() - at_work))
        script = Path(__file__).with_name("stereo_peer.py")
        peer = subprocess.run(
            [PEER, script, left, right, str(rounds)],
            capture_output=True,
            text=True,
            check=True,
            cwd=folder,
            env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        )
        theirs_s = [tuple(map(float, line.split())) for line in peer.stdout.splitlines()]
    (taken, busy), (theirs, theirs_busy) = (
        [min(column) for column in zip(*rounds_s, strict=True)] for rounds_s in (ours_s, theirs_s)
    )
    return f"""### Beside vizion3d 1.5.6: two JPEG files (741 x 500) to a point cloud

{describe_machine()}

| least of several rounds | seconds | of all cores together |
| --- | --- | --- |
| vizion3d, `sgbm` | {taken:.2f} | {busy:.2f} |
| vizion3d 1.5.6, S2M2-L with seeded weights | {theirs:.1f} | {theirs_busy:.1f} |

1.5.6 takes {theirs / taken:.0f} times as long, and {theirs_busy / busy:.0f} times the work.
"""


def main() -> None:
    if sys.argv[1:2] == ["peer"]:
        text = beside_1_5_6(int(sys.argv[2]) if len(sys.argv) > 2 else 3)
        RESULT.with_name("stereo_peer.md").write_text(text)
        print(text)
        return
    if sys.argv[1:2] == ["--rendered"]:
        # Torch comes with it, which would count in the memory of the processes that are measured.
        from benchmarks.stereo_rendered import report

        text = report(int(sys.argv[2]))
        RESULT.with_name("stereo_rendered.md").write_text(text)
        print(text)
        return
    if len(sys.argv) > 1:
        end_to_end(sys.argv[1])
        return
    speed = [
        "| size | disparities | seconds | of all cores together | peak memory of the process, MB |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name in ("small", "large"):
        command = [sys.executable, "-m", "benchmarks.stereo", name]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        speed.append(run.stdout.strip())
    sections = {
        'Accuracy, on the Middlebury pair "Motorcycle" (741 x 500)': accuracy(),
        "Rendered planes (640 x 480), pixels that both cameras see": planes(),
        "Two JPEG files to a point cloud": speed,
    }
    text = "".join(
        f"### {title}\n\n" + "\n".join(rows) + "\n\n" for title, rows in sections.items()
    )
    RESULT.write_text(text.rstrip() + "\n")
    print(text)


if __name__ == "__main__":
    main()
