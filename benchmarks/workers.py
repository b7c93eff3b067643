"""One contestant in a process of its own: loads, then runs once for every line on standard input.

Started by the benchmarks, never by hand: ``python -m benchmarks.workers NAME CHECKPOINT PHOTO``.
Answers each line with a JSON line: seconds of the run, peak memory of the process so far.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

Run = Callable[[], object]


def vizion3d(checkpoint: Path, photo: Path) -> Run:
    """Depth at the photo's size and the 16-bit depth image."""
    from vizion3d.lifting import DepthEstimation, DepthEstimationCommand

    command = DepthEstimationCommand(
        str(photo), model_backend=str(checkpoint), return_depth_image=True
    )
    return lambda: DepthEstimation().run(command)


def vizion3d_cloud(checkpoint: Path, photo: Path) -> Run:
    """As ``vizion3d``, and the coloured point cloud."""
    from vizion3d.lifting import DepthEstimation, DepthEstimationCommand

    command = DepthEstimationCommand(
        str(photo),
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


CONTESTANTS = {
    contestant.__name__: contestant for contestant in (vizion3d, vizion3d_cloud, transformers)
}


def main() -> None:
    name, checkpoint, photo = sys.argv[1:]
    run = CONTESTANTS[name](Path(checkpoint), Path(photo))
    for _ in sys.stdin:
        start = time.perf_counter()
        run()
        seconds = time.perf_counter() - start
        peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps({"seconds": seconds, "peak_bytes": peak_bytes}), flush=True)


if __name__ == "__main__":
    main()
