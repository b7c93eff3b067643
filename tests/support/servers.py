"""Real servers in processes of their own."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import grpc
import requests

from tests.support import programs

Protocol = Literal["rest", "grpc"]


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


class Server:
    """A server's process, its address and its log."""

    def __init__(self, protocol: Protocol, log: Path, *arguments: str, **env: str) -> None:
        self.protocol = protocol
        self.port = free_port()
        self.metrics_port = self.port
        self.log = log
        self.process: subprocess.Popen[bytes] | programs.Forked = programs.start(
            f"vizion3d.programs.{protocol}",
            ("--port", str(self.port), *arguments),
            log,
            {**os.environ, **env},
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def depth_url(self) -> str:
        return f"{self.url}/lifting/depth-estimation"

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def channel(self, *options: tuple[str, Any]) -> grpc.Channel:
        return grpc.insecure_channel(
            self.address, [("grpc.max_receive_message_length", -1), *options]
        )

    def until(self, condition: Callable[[], bool], timeout_s: float = 60) -> None:
        """Wait for something that a running server brings about."""
        end = time.monotonic() + timeout_s
        while not condition():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.02)

    def until_ready(self) -> "Server":
        self.until(self.is_ready)
        return self

    def is_ready(self) -> bool:
        if self.protocol == "grpc":
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0
        try:
            return requests.get(f"{self.url}/ready", timeout=10).status_code == 200
        except requests.ConnectionError:
            return False

    def metric(self, line: str) -> float:
        """The value of the sample that begins with ``line``; 0 if there is none."""
        url = f"http://127.0.0.1:{self.metrics_port}/metrics"
        for sample in requests.get(url, timeout=10).text.splitlines():
            name, _, value = sample.rpartition(" ")
            if name == line:
                return float(value)
        return 0.0

    def access_log(self) -> list[dict[str, Any]]:
        """The lines of the access log."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line[:1] == "{"]
        return [line for line in lines if line["logger"] == "vizion3d.access"]

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def wait(self, timeout_s: float = 60) -> int:
        """The exit code, once it has ended."""
        return self.process.wait(timeout_s)

    def end(self, timeout_s: float = 10) -> None:
        """End it, so that coverage is written; kill it if it still runs after ``timeout_s``."""
        self.process.terminate()
        try:
            self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def memory_bytes(self) -> int:
        """Resident memory of the process."""
        import psutil

        return int(psutil.Process(self.process.pid).memory_info().rss)


@contextmanager
def running(protocol: Protocol, log: Path, *arguments: str, **env: str) -> Iterator[Server]:
    """A server that is ready; asked to end afterwards, and killed if it does not within seconds."""
    server = Server(protocol, log, *arguments, **env)
    try:
        yield server.until_ready()
    finally:
        server.end()
