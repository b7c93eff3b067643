"""What a smaller or larger ``input_size`` costs and gives: ``python -m benchmarks.input_size``.

On scikit-image's ``stereo_motorcycle``: seconds of a warm run of a seeded vits and of ``nano``; for
``nano``, how far its depth is from the one at its own size, and from the measured one. Weights of
a seed see nothing: their depth is not judged.
"""

import json
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.contestants import RESULTS, describe_machine
from benchmarks.precision import Depth, deviation
from tests.support.checkpoints import VITS, save_checkpoint
from training.metrics import quality
from training.real import motorcycle
from vizion3d.app import build_container
from vizion3d.container import Container
from vizion3d.lifting.commands import DepthEstimationCommand
from vizion3d.networks.nano.network import RECIPE
from vizion3d.settings import load_settings

SIZES_PX = (128, 192, 256, 320, 384, 448, 518, 644, 770)
ROUNDS = 5


@dataclass(frozen=True)
class Point:
    """One size.

    Attributes:
        size_px: ``input_size``.
        vits_s: Median seconds of a warm run of vits.
        nano_s: Median seconds of a warm run of ``nano``.
        deviation: Of ``nano`` from its depth at its own size.
        measured: Quality of ``nano`` beside the measured depth.
    """

    size_px: int
    vits_s: float
    nano_s: float
    deviation: dict[str, float]
    measured: dict[str, float]


def estimate(container: Container, model: str, size_px: int) -> tuple[float, Depth]:
    """Median seconds of a warm run, and its depth."""
    command = DepthEstimationCommand(motorcycle().image, model, input_size=size_px)
    result = container.commands.dispatch(command)
    taken = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        container.commands.dispatch(command)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken), result.raw_depth


def measure() -> list[Point]:
    scene = motorcycle()
    with tempfile.TemporaryDirectory() as folder:
        vits = str(save_checkpoint(Path(folder) / "vits-seeded.pth", VITS))
        container = build_container(load_settings(model_cache=Path(folder)))
        usual = estimate(container, "nano", RECIPE.input_size)[1]
        points = []
        for size_px in SIZES_PX:
            nano_s, depth = estimate(container, "nano", size_px)
            measured = asdict(quality(depth.astype("float64"), scene.inverse, scene.valid))
            vits_s = estimate(container, vits, size_px)[0]
            points.append(Point(size_px, vits_s, nano_s, deviation(depth, usual), measured))
            print(points[-1])
    return points


def table(points: list[Point]) -> str:
    lines = [
        "| `input_size` | vits | nano | nano against 256: AbsRel, delta-1 "
        "| nano against measured depth: AbsRel, delta-1 |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {p.size_px} | {p.vits_s * 1e3:.0f} ms | {p.nano_s * 1e3:.0f} ms "
        f"| {p.deviation['abs_rel']:.3f}, {p.deviation['delta_1']:.3f} "
        f"| {p.measured['abs_rel']:.3f}, {p.measured['delta1']:.3f} |"
        for p in points
    ]
    return "\n".join(lines)


INTRODUCTION = """## Input size

`python -m benchmarks.input_size`: a warm run on the motorcycle photo (741 x 500) at each
`input_size`. `nano` was trained small and is best near its default, 256; the released checkpoints
of Depth Anything V2 were trained at 518 and are best near it.
"""


def main() -> None:
    points = measure()
    page = f"{INTRODUCTION}\n{describe_machine()}\n\n{table(points)}\n"
    (RESULTS / "input_size.md").write_text(page)
    raw = json.dumps([asdict(p) for p in points], indent=1)
    (RESULTS / "input_size.json").write_text(raw + "\n")
    print(page)


if __name__ == "__main__":
    main()
