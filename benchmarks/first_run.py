"""How long the first run takes where there is no network: to the error, or to the page.

``python -m benchmarks.first_run`` writes ``benchmarks/results/first_run.md``. No network is played
by a proxy address that nothing listens on, by one that refuses, and by a name that does not exist.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import requests

from benchmarks.contestants import describe_machine
from tests.support.servers import free_port

RUNS = 3
LIMIT_S = 3.0
PROGRAM = [sys.executable, "-m", "vizion3d"]

NO_NETWORK: dict[str, dict[str, str]] = {
    "the proxy refuses": {"HTTPS_PROXY": "http://127.0.0.1:9"},
    "the name cannot be resolved": {"HTTPS_PROXY": "http://no-such-host.invalid:3128"},
    "VIZION3D_OFFLINE": {"VIZION3D_OFFLINE": "1"},
}


def to_error_s(environment: Mapping[str, str], photo: Path) -> tuple[float, str]:
    """Seconds until ``vizion3d depth`` has failed, and what it said."""
    begin = time.perf_counter()
    ended = subprocess.run(
        [*PROGRAM, "depth", str(photo)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        cwd=photo.parent,
        check=False,
    )
    seconds = time.perf_counter() - begin
    assert ended.returncode == 1, ended.stderr
    assert "--model nano" in ended.stderr, ended.stderr
    return seconds, ended.stderr


def to_page_s(environment: Mapping[str, str]) -> float:
    """Seconds until ``vizion3d ui`` serves its page."""
    port = free_port()
    begin = time.perf_counter()
    command = [*PROGRAM, "ui", "--no-browser", "--port", str(port)]
    with subprocess.Popen(
        command, env={**os.environ, **environment}, stderr=subprocess.DEVNULL
    ) as process:
        try:
            while True:
                try:
                    if requests.get(f"http://127.0.0.1:{port}/", timeout=5).ok:
                        return time.perf_counter() - begin
                except requests.ConnectionError:
                    assert process.poll() is None
                    time.sleep(0.01)
        finally:
            process.kill()


def main() -> None:
    """Measure, and write the table."""
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "photo.png"
        pixels = np.random.default_rng(0).integers(0, 256, (200, 300, 3), np.uint8)
        Image.fromarray(pixels).save(photo)
        empty = {"VIZION3D_MODEL_CACHE": f"{folder}/cache"}
        rows = []
        for name, environment in NO_NETWORK.items():
            times = [to_error_s(empty | environment, photo)[0] for _ in range(RUNS)]
            rows.append(f"| `vizion3d depth`, {name} | error | {statistics.median(times):.1f} |")
            pages = [to_page_s(empty | environment) for _ in range(RUNS)]
            rows.append(f"| `vizion3d ui`, {name} | page | {statistics.median(pages):.1f} |")
    text = "\n".join(
        [
            "# The first run without a network",
            "",
            f"Median of {RUNS} runs of `python -m benchmarks.first_run`; the aim is "
            f"less than {LIMIT_S:g} s.",
            "",
            describe_machine(),
            "",
            "| command | until | seconds |",
            "|---|---|---:|",
            *rows,
            "",
        ]
    )
    (Path(__file__).parent / "results" / "first_run.md").write_text(text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
