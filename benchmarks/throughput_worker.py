"""One contestant of ``throughput.py``: photos in, depth PNGs out, for every line on standard input.

``python benchmarks/throughput_worker.py NAME CHECKPOINT PHOTOS OUT``: loads, does one photo, says
so, then answers each line with a JSON line: seconds, peak memory of the process, and what else the
contestant tells. Never started by hand.
"""

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

Run = Callable[[list[Path]], dict[str, Any]]


def many(checkpoint: Path, out: Path) -> Run:
    """What ``vizion3d depth FOLDER --save png`` does: ``run_many``, encoding in its threads."""
    from vizion3d.app import default_container
    from vizion3d.core.cqrs import CommandBus
    from vizion3d.runtime.many import run_batched

    def work(commands: CommandBus, photo: Path) -> None:
        _write(commands.dispatch(_command(checkpoint, photo)), out / f"{photo.stem}.png")

    def run(photos: list[Path]) -> dict[str, Any]:
        for _ in run_batched(default_container(), work, photos):
            pass
        return {}

    return run


def depths(checkpoint: Path, _out: Path) -> Run:
    """``run_many`` alone, no files."""
    from vizion3d.lifting import DepthEstimation

    def run(photos: list[Path]) -> dict[str, Any]:
        for _ in DepthEstimation().run_many(_command(checkpoint, photo) for photo in photos):
            pass
        return {}

    return run


def memory(checkpoint: Path, _out: Path) -> Run:
    """``run_many`` at a small input size; tells resident memory after every hundred images."""
    from vizion3d.lifting import DepthEstimation

    def run(photos: list[Path]) -> dict[str, Any]:
        commands = (_command(checkpoint, photo, input_size=98) for photo in photos)
        resident = []
        for number, _ in enumerate(DepthEstimation().run_many(commands), 1):
            if number % 100 == 0:
                resident.append(_resident_bytes())
        return {"resident_bytes": resident}

    return run


def single(checkpoint: Path, out: Path) -> Run:
    """``DepthEstimation().run`` one by one; tells the seconds that the network itself took."""
    from vizion3d.lifting import DepthEstimation
    from vizion3d.runtime import openvino_runtime

    network_s = []
    infer = openvino_runtime._infer

    def timed(request: Any, *inputs: Any) -> Any:
        start = time.perf_counter()
        answer = infer(request, *inputs)
        # Only the network's second input, the positions, has three axes; the recipe's has one.
        if inputs[1].ndim == 3:
            network_s.append(time.perf_counter() - start)
        return answer

    openvino_runtime._infer = timed

    def run(photos: list[Path]) -> dict[str, Any]:
        network_s.clear()
        for photo in photos:
            _write(DepthEstimation().run(_command(checkpoint, photo)), out / f"{photo.stem}.png")
        # Not their sum: what disturbs the machine meanwhile is no part of the bound.
        return {"network_s": len(network_s) * statistics.median(network_s)}

    return run


def transformers(checkpoint: Path, out: Path) -> Run:
    """transformers' depth-estimation pipeline; its depth image is of 8 bits."""
    from transformers import pipeline

    estimate = pipeline("depth-estimation", model=str(checkpoint.with_suffix("")), device="cpu")

    def run(photos: list[Path]) -> dict[str, Any]:
        for photo in photos:
            estimate(str(photo))["depth"].save(out / f"{photo.stem}.png")
        return {}

    return run


def official(checkpoint: Path, out: Path) -> Run:
    """The official code; its depth image is of 8 bits, too."""
    import cv2
    from official import load, png  # type: ignore[import-not-found]  # beside this script

    infer_image = load(checkpoint)

    def run(photos: list[Path]) -> dict[str, Any]:
        for photo in photos:
            depth = infer_image(cv2.imread(str(photo)))
            cv2.imwrite(str(out / f"{photo.stem}.png"), png(depth))
        return {}

    return run


def peer(checkpoint: Path, out: Path) -> Run:
    """vizion3d 1.5.6: depth as a 16-bit Open3D image."""
    import open3d as o3d

    from vizion3d.lifting import DepthEstimation, DepthEstimationCommand

    def run(photos: list[Path]) -> dict[str, Any]:
        for photo in photos:
            command = DepthEstimationCommand(
                image_input=str(photo), model_backend=str(checkpoint), return_depth_image=True
            )
            image = DepthEstimation().run(command).depth_image
            assert image is not None
            o3d.io.write_image(out / f"{photo.stem}.png", image)
        return {}

    return run


def _command(checkpoint: Path, photo: Path, **fields: Any) -> Any:
    from vizion3d.lifting import DepthEstimationCommand

    return DepthEstimationCommand(photo.read_bytes(), model_backend=str(checkpoint), **fields)


def _write(result: Any, path: Path) -> None:
    from vizion3d.core.files import write_atomic
    from vizion3d.outputs.depth_files import encode_png, to_uint16

    write_atomic(path, encode_png(to_uint16(result.raw_depth)))


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


CONTESTANTS = {
    run.__name__: run for run in (many, depths, memory, single, transformers, official, peer)
}


def main(name: str, checkpoint: str, photos: str, out: str, lines: Iterable[str]) -> None:
    run = CONTESTANTS[name](Path(checkpoint), Path(out))
    paths = sorted(Path(photos).glob("*.jpg"))
    run(paths[:1])
    print(json.dumps({"loaded": name}), flush=True)
    for _ in lines:
        start = time.perf_counter()
        told = run(paths)
        told["seconds"] = time.perf_counter() - start
        told["peak_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    _, name, checkpoint, photos, out = sys.argv
    main(name, checkpoint, photos, out, lines=sys.stdin)
