"""vizion3d 1.5.6 on a stereo pair, run by ``benchmarks.stereo`` with that release's Python.

``python benchmarks/stereo_peer.py LEFT RIGHT ROUNDS`` prints a line for each round: seconds, and
seconds of all cores together. The first round loads the model, S2M2-L with seeded weights: what is
timed does not depend on them.
"""

import sys
import tempfile
import time
from pathlib import Path

import torch

from vizion3d.stereo import StereoDepth, StereoDepthAdvancedConfig, StereoDepthCommand


def main() -> None:
    from vizion3d.stereo.arch import (  # type: ignore[import-not-found]  # of 1.5.6
        build_s2m2,
    )

    left, right, rounds = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = str(Path(folder) / "stereo-depth-s2m2-L.pth")
        torch.manual_seed(0)
        torch.save({"state_dict": build_s2m2(checkpoint).state_dict()}, checkpoint)
        command = StereoDepthCommand(
            left,
            right,
            model_backend=checkpoint,
            return_depth_image=False,
            return_point_cloud=True,
            advanced_config=StereoDepthAdvancedConfig(
                focal_length=994.978, cx=311.193, cy=254.877, baseline=193.001, doffs=31.086
            ),
        )
        for _ in range(int(rounds)):
            start, at_work = time.perf_counter(), time.process_time()
            StereoDepth().run(command)
            print(time.perf_counter() - start, time.process_time() - at_work, flush=True)


if __name__ == "__main__":
    main()
