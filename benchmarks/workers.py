"""One contestant in a process of its own: loads, then runs once for every line on standard input.

Started by the benchmarks, by path and with a Python of the contestant's own, never by hand:
``python benchmarks/workers.py NAME CHECKPOINT PHOTO``. Answers each line with a JSON line: seconds
of the run, peak memory of the process so far.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

Run = Callable[[], object]


def vizion3d(checkpoint: Path, photo: Path) -> Run:
    """Depth at the photo's size, 16-bit depth image, coloured point cloud; ours and 1.5's."""
    from vizion3d.lifting import DepthEstimation, DepthEstimationCommand

    command = DepthEstimationCommand(
        image_input=str(photo),
        model_backend=str(checkpoint),
        return_depth_image=True,
        return_point_cloud=True,
    )
    return lambda: DepthEstimation().run(command)


def transformers(checkpoint: Path, photo: Path) -> Run:
    """transformers' depth-estimation pipeline: depth at the photo's size and its 8-bit image."""
    from transformers import pipeline

    estimate = pipeline("depth-estimation", model=str(checkpoint.with_suffix("")), device="cpu")
    return lambda: estimate(str(photo))


def main() -> None:
    name, checkpoint, photo = sys.argv[1:]
    contestant = {"vizion3d": vizion3d, "transformers": transformers}[name]
    run = contestant(Path(checkpoint), Path(photo))
    for _ in sys.stdin:
        start = time.perf_counter()
        run()
        seconds = time.perf_counter() - start
        peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps({"seconds": seconds, "peak_bytes": peak_bytes}), flush=True)


if __name__ == "__main__":
    main()
