"""One contestant in a process of its own, started by the benchmarks with the contestant's Python.

``python benchmarks/workers.py NAME CHECKPOINT PHOTO [PNG]``. With a PNG, writes the photo's depth
there and ends. Else loads, then runs once for every line on standard input, and answers each with a
JSON line: seconds of the run, seconds of it in the network (of those that tell), seconds of all
cores together, peak memory of the process so far.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

Run = Callable[[], Any]

network_s: list[float] = []
"""Of every run of the network, where it is timed apart."""


def vizion3d(checkpoint: Path, photo: Path) -> Run:
    """Depth at the photo's size, 16-bit depth image, coloured point cloud; ours and 1.5's."""
    return _vizion3d(checkpoint, photo, return_depth_image=True, return_point_cloud=True)


def vizion3d_apart(checkpoint: Path, photo: Path) -> Run:
    """As ``vizion3d``, with the time in the network told apart."""
    if version("vizion3d").startswith("1."):
        from transformers import DepthAnythingForDepthEstimation as Network

        Network.forward = _timed(Network.forward)  # type: ignore[method-assign]  # timed from outside
    else:
        from vizion3d.runtime import openvino_runtime

        apart, recipe = _timed(openvino_runtime._infer), openvino_runtime._infer

        def infer(request: Any, *inputs: Any) -> Any:
            # Only the network's second input, the positions, has three axes; the recipe's has one.
            return (apart if inputs[1].ndim == 3 else recipe)(request, *inputs)

        openvino_runtime._infer = infer
    return vizion3d(checkpoint, photo)


def vizion3d_png(checkpoint: Path, photo: Path) -> Run:
    """Depth image only; ours and 1.5's."""
    return _vizion3d(checkpoint, photo, return_depth_image=True)


def _vizion3d(checkpoint: Path, photo: Path, **wanted: Any) -> Run:
    from vizion3d.lifting import DepthEstimation, DepthEstimationCommand

    command = DepthEstimationCommand(
        image_input=str(photo), model_backend=str(checkpoint), **wanted
    )
    return lambda: DepthEstimation().run(command)


def _timed(run: Callable[..., Any]) -> Callable[..., Any]:
    def timed(*args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        result = run(*args, **kwargs)
        network_s.append(time.perf_counter() - start)
        return result

    return timed


def transformers(checkpoint: Path, photo: Path) -> Run:
    """transformers' depth-estimation pipeline: depth at the photo's size and its 8-bit image."""
    from transformers import pipeline

    estimate = pipeline("depth-estimation", model=str(checkpoint.with_suffix("")), device="cpu")
    return lambda: estimate(str(photo))


def official(checkpoint: Path, photo: Path) -> Run:
    """The official code: depth at the photo's size."""
    import cv2
    from official import load  # type: ignore[import-not-found]  # beside this script

    infer_image = load(checkpoint)
    return lambda: infer_image(cv2.imread(str(photo)))


def write_png(name: str, result: Any, path: str) -> None:
    """The depth image as users of each write it."""
    if name == "transformers":
        result["depth"].save(path)
        return
    if name == "official":
        import cv2
        from official import png

        cv2.imwrite(path, png(result))
        return
    import open3d

    if not open3d.io.write_image(Path(path), result.depth_image):
        raise OSError(f"Open3D did not write {path}")


WORKERS = {f.__name__: f for f in (vizion3d, vizion3d_apart, vizion3d_png, transformers, official)}


def main() -> None:
    name, checkpoint, photo, *png = sys.argv[1:]
    run = WORKERS[name](Path(checkpoint), Path(photo))
    if png:
        write_png(name, run(), png[0])
        return
    for _ in sys.stdin:
        network_s.clear()
        start, cpu_start = time.perf_counter(), time.process_time()
        run()
        answer = {"seconds": time.perf_counter() - start, "network_seconds": sum(network_s)}
        answer["cpu_seconds"] = time.process_time() - cpu_start
        answer["peak_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
