"""Batch jobs on Ray Data: scaling, what Ray costs, memory, and jobs and workers that are killed.

``python -m benchmarks.scale`` runs the parts that are named, or all, on seeded checkpoints of vits'
size, and writes ``benchmarks/results/scale.md``:

* ``workers``: photos a second of one worker and of two, one core each, at network size 518;
* ``overhead``: ``vizion3d batch`` beside ``vizion3d depth``, on the same cores, 200 photos at
  network size 518;
* ``correct``: 500 photos of which 20 are broken, against ``vizion3d depth``, byte for byte, with
  one worker and two, a worker that is killed, and a job that is killed and resumed;
* ``memory``: peak memory of driver and worker, of 100, 300 and 1,000 photos;
* ``serve``: Ray Serve beside the plain server, at concurrency 8.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import requests
from PIL import Image

from benchmarks.contestants import RESULTS, ROOT, describe_machine
from tests.support.checkpoints import VITS, save_checkpoint
from tests.support.servers import free_port, running

CLI = (sys.executable, "-m", "vizion3d.programs.cli")
PHOTO = ROOT / "examples" / "coffee.jpg"
SMALL = 28
Note = Callable[[str], None]


def make_photos(
    folder: Path, count: int, broken: int = 0, size: tuple[int, int] = (64, 48)
) -> Path:
    """Photos that differ, and files that are none."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(count - broken):
        coarse = rng.integers(0, 256, (6, 8, 3), np.uint8)
        Image.fromarray(coarse).resize(size).save(folder / f"{number:05d}.png")
    for number in range(broken):
        (folder / f"broken{number:03d}.jpg").write_bytes(b"no photo")
    return folder


def command(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    told = (*CLI, name, *map(str, arguments))
    return subprocess.run(told, capture_output=True, text=True, check=False)


def batch_seconds(source: Path, out: Path, model: Path, *options: object) -> dict[str, Any]:
    """The summary of a job: its seconds are from when Ray is there until the last photo."""
    run = command("batch", source, out, "--model", model, *options)
    assert (out / "vizion3d-summary.json").exists(), run.stderr
    summary: dict[str, Any] = json.loads((out / "vizion3d-summary.json").read_text())
    return summary


def pictures(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*.png")}


def workers(folder: Path, note: Note, count: int = 20) -> None:
    """The steady rate: the difference between a long and a short job, so that starts cancel."""
    model = save_checkpoint(folder / "vits.safetensors", VITS)
    long, short = count, count // 5
    sources = {n: make_photos(folder / f"photos{n}", n, size=(640, 480)) for n in (long, short)}
    command("batch", sources[short], folder / "warm", "--model", model)  # converts the network
    rates: dict[int, float] = {}
    for number in (1, 2):
        seconds = {
            n: batch_seconds(
                source,
                folder / f"out{number}-{n}",
                model,
                *("--workers", number, "--cpus-per-worker", 1, "--chunk-photos", 2),
            )["seconds"]
            for n, source in sources.items()
        }
        rates[number] = (long - short) / (seconds[long] - seconds[short])
        note(f"workers={number}, one core each: {rates[number]:.3f} photos/s")
    note(f"two workers are {rates[2] / rates[1]:.2f} x one (vits, network size 518)")


def overhead(folder: Path, note: Note, count: int = 200, rounds: int = 2) -> None:
    """Both in turn, more than once: a machine's speed changes over minutes, so the least counts."""
    model = save_checkpoint(folder / "vits.safetensors", VITS)
    source = make_photos(folder / "photos", count, size=(640, 480))
    options = ("--model", model, "--save", "png")
    command("depth", source / "00000.png", "--out", folder / "warm", *options)
    plain, job, whole = list[float](), list[float](), list[float]()
    for number in range(rounds):
        depth, out = folder / f"depth{number}", folder / f"batch{number}"
        begin = time.perf_counter()
        run = command("depth", source, "--out", depth, *options)
        assert run.returncode == 0, run.stderr
        plain.append(time.perf_counter() - begin)
        begin = time.perf_counter()
        told = batch_seconds(source, out, model, "--save", "png")
        whole.append(time.perf_counter() - begin)
        job.append(told["seconds"])
        assert pictures(depth) == pictures(out)
    for name, seconds in (
        (f"`vizion3d depth`, {count} photos, all of it", plain),
        ("`vizion3d batch`, from Ray's start to the last photo", job),
        ("`vizion3d batch`, all of it", whole),
    ):
        more = "" if seconds is plain else f", {100 * (min(seconds) / min(plain) - 1):+.1f} %"
        note(f"{name}: {', '.join(f'{s:.1f}' for s in seconds)} s{more}")


KILLED = """
import os, signal, sys
from vizion3d.ray import batch

def stop(told):
    if told.done >= 150:
        os.kill(os.getpid(), signal.SIGKILL)

source, out, model, into = sys.argv[1:]
batch(source, out, model=model, into=into, parameters={"input_size": 28}, progress=stop)
"""


def correct(folder: Path, note: Note, count: int = 500, broken: int = 20) -> None:
    import pyarrow.parquet as pq

    model = save_checkpoint(folder / "tiny.safetensors")
    source = make_photos(folder / "photos", count, broken)
    options = ("--input-size", SMALL, "--model", model)
    command("depth", source, "--out", folder / "depth", "--save", "png", *options)
    expected = pictures(folder / "depth")
    assert len(expected) == count - broken
    for number in (1, 2):
        out = folder / f"out{number}"
        told = batch_seconds(
            source, out, model, "--input-size", SMALL, "--workers", number, "--cpus-per-worker", 1
        )
        assert pictures(out) == expected
        assert (told["photos"], told["failed"]) == (count, broken)
        note(f"workers={number}: {count} photos, {broken} error rows, PNG16 equal byte for byte")
    killing = threading.Thread(target=kill_a_worker, args=(folder / "killed",))
    killing.start()
    batch_seconds(source, folder / "killed", model, "--input-size", SMALL)
    killing.join()
    assert pictures(folder / "killed") == expected
    note("kill -9 of the worker after the first photos: complete, equal, nothing twice")
    for into in ("files", "parquet"):
        out = folder / f"resumed-{into}"
        ended = subprocess.run(
            (sys.executable, "-c", KILLED, str(source), str(out), str(model), into), check=False
        )
        assert ended.returncode == -signal.SIGKILL
        told = batch_seconds(source, out, model, "--input-size", SMALL, "--into", into)
        assert told["skipped"] >= (100 if into == "files" else 1)
        if into == "files":
            assert pictures(out) == expected
        else:
            rows = [r for p in out.glob("*.parquet") for r in pq.read_table(p).to_pylist()]
            assert len({row["id"] for row in rows}) == len(rows) == count
            assert sorted(r["png"] for r in rows if not r["error"]) == sorted(expected.values())
        note(f"kill -9 of the job, resumed ({into}): {told['skipped']} kept, complete, once each")


def workers_of_ray() -> list[psutil.Process]:
    found = psutil.process_iter(["cmdline"])
    return [p for p in found if any("MapWorker" in part for part in p.info["cmdline"] or ())]


def kill_a_worker(out: Path) -> None:
    while len(list(out.glob("*.png"))) < 50:
        time.sleep(0.05)
    workers_of_ray()[0].send_signal(signal.SIGKILL)


@contextmanager
def peak_memory(told: dict[str, float]) -> Iterator[None]:
    """Largest resident memory of a worker, in MB."""
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.2):
            for process in workers_of_ray():
                try:
                    told["worker"] = max(told["worker"], process.memory_info().rss / 1e6)
                except psutil.NoSuchProcess:
                    continue

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield
    finally:
        stop.set()
        watching.join()


def memory(folder: Path, note: Note) -> None:
    model = save_checkpoint(folder / "tiny.safetensors")
    for count in (100, 300, 1000):
        source = make_photos(folder / f"photos{count}", count, size=(1280, 960))
        told = {"worker": 0.0}
        with peak_memory(told):
            options = ("--input-size", SMALL, "--into", "parquet", "--save", "png,npy")
            batch_seconds(source, folder / f"out{count}", model, *options)
        note(
            f"{count} photos of 1280 x 960 into Parquet: a worker's peak is {told['worker']:.0f} MB"
        )


def rate(url: str, seconds: float, concurrency: int) -> float:
    """Answers a second to clients that each send the next request when they have an answer."""
    photo, end = PHOTO.read_bytes(), time.perf_counter() + seconds
    headers = {"Accept": "image/png"}

    def client(_: int) -> int:
        session, count = requests.Session(), 0
        while time.perf_counter() < end:
            answer = session.post(url, files={"image": photo}, headers=headers, timeout=120)
            count += answer.status_code == 200
        return count

    begin = time.perf_counter()
    with ThreadPoolExecutor(concurrency) as pool:
        count = sum(pool.map(client, range(concurrency)))
    return count / (time.perf_counter() - begin)


def serve(folder: Path, note: Note, seconds: float = 15.0) -> None:
    vits = str(save_checkpoint(folder / "vits.safetensors", VITS))
    for name, model in (("nano", "nano"), ("vits", vits)):
        beside_plain(folder / f"{name}.log", note, name, model, seconds)


def beside_plain(log: Path, note: Note, name: str, model: str, seconds: float) -> None:
    path, rates = "/lifting/depth-estimation", dict[str, list[float]](plain=[], serve=[])
    with running("rest", log, "--depth_model", model) as plain, serve_ray(model) as url:
        for _ in range(3):
            for kind, address in (("plain", plain.url), ("serve", url)):
                rate(address + path, 1.0, 8)
                rates[kind].append(rate(address + path, seconds / 3, 8))
    medians = {kind: statistics.median(values) for kind, values in rates.items()}
    note(f"plain server, {name}, 8 clients: {medians['plain']:.2f} answers/s")
    share = medians["serve"] / medians["plain"]
    note(f"Ray Serve, one replica, the same: {medians['serve']:.2f} answers/s, {share:.0%} of it")


@contextmanager
def serve_ray(model: str) -> Iterator[str]:
    port = free_port()
    cores = os.cpu_count() or 1
    told = (*CLI, "serve-ray", "--depth_model", model, "--port", str(port))
    process = subprocess.Popen((*told, "--cpus-per-replica", str(cores)), stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            try:
                if requests.get(f"{url}/ready", timeout=5).ok:
                    break
            except requests.ConnectionError:
                time.sleep(0.5)
        yield url
    finally:
        process.terminate()
        process.wait()


PARTS: dict[str, Callable[[Path, Note], None]] = {
    "workers": workers,
    "overhead": overhead,
    "correct": correct,
    "memory": memory,
    "serve": serve,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []])
    chosen = parser.parse_args().parts or list(PARTS)
    os.environ["VIZION3D_DEVICE"] = "cpu"
    path = RESULTS / "scale.json"
    results: dict[str, list[str]] = json.loads(path.read_text()) if path.exists() else {}
    for name in chosen:
        lines: list[str] = []

        def note(line: str, lines: list[str] = lines) -> None:
            print(line, flush=True)
            lines.append(line)

        with tempfile.TemporaryDirectory(prefix="vizion3d-scale-") as folder:
            PARTS[name](Path(folder), note)
        results[name] = lines
        path.write_text(json.dumps(results, indent=2) + "\n")
    text = [f"# Scaling\n\n`python -m benchmarks.scale`, on {describe_machine()}.\n"]
    for name, lines in results.items():
        text.append(f"\n## {name}\n\n" + "".join(f"- {line}\n" for line in lines))
    (RESULTS / "scale.md").write_text("".join(text))


if __name__ == "__main__":
    main()
