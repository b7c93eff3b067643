"""The REST server as users start it: a process of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

START_S = 120


@dataclass
class Server:
    """A running server.

    Attributes:
        origin: Its address, without a path.
        process: The process.
    """

    origin: str
    process: "subprocess.Popen[bytes]"


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serve(folder: Path, *flags: str) -> Iterator[Server]:
    """A server of ``nano`` on loopback, until the block ends."""
    port = free_port()
    environment = os.environ | {"VIZION3D_MODEL_CACHE": str(folder), "VIZION3D_OFFLINE": "1"}
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "/tmp/seed/web-scratch/server.py", str(port)],
            env=environment,
            stdout=log,
            stderr=log,
        )
        try:
            origin = f"http://127.0.0.1:{port}"
            _wait_until_ready(origin, process, folder / "server.log")
            yield Server(origin, process)
        finally:
            process.terminate()
            process.wait(60)


def _wait_until_ready(origin: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if requests.get(f"{origin}/models", timeout=5).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.1)
    raise RuntimeError(f"the server did not start:\n{log.read_text()}")
