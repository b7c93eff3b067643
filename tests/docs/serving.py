"""Servers for the examples, on free ports in place of those that the pages name."""

import os
import re
import shlex
import signal
import socket
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import requests

from tests.docs.calls import PLAIN_WORDS
from tests.support import programs
from tests.support.servers import free_port

ADDRESS = re.compile(r"(localhost[:/]|127\.0\.0\.1:|port[ =])(\d{4,5})\b")
COMMAND = re.compile(
    r"^(.*?)(vizion3d-serve-(rest|grpc)|vizion3d (?:ui|serve-ray))\b", re.MULTILINE
)
SERVE_LINE = re.compile(
    r"^((?:\w+=\S+ )*)(?=.*(?:vizion3d-serve-|vizion3d (?:ui|serve-ray)))", re.MULTILINE
)
ALONE = re.compile(rf"vizion3d-serve-(?:rest|grpc)(?P<arguments>{PLAIN_WORDS})")
"""A server, started without anything that needs a shell."""
DEFAULT_PORTS = {"rest": 8000, "grpc": 50051}
READY_WITHIN_S = 120
STOPPED_WITHIN_S = 60


def names_a_server(code: str) -> bool:
    return bool(ADDRESS.search(code))


def starts_a_server(code: str) -> bool:
    return bool(COMMAND.search(code))


def stays(code: str) -> bool:
    """Whether the last thing that a block does is to serve until it is stopped."""
    *_, last = code.replace("\\\n", " ").strip().splitlines()
    return bool(COMMAND.search(last)) and not last.rstrip().endswith("&")


def with_ports(code: str, ports: Mapping[int, int]) -> str:
    """The example with other ports; a server that names none is told its own."""
    code = COMMAND.sub(lambda m: f"{m[0]} --port {DEFAULT_PORTS[m[3] or 'rest']}", code)
    return ADDRESS.sub(lambda m: m[1] + str(ports[int(m[2])]), code)


def free_ports() -> Mapping[int, int]:
    """A free port for each that is asked for."""
    return defaultdict(free_port)


@contextmanager
def shell(code: str, env: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A shell that runs an example; whatever it started ends with it."""
    with log.open("wb") as stream:
        process = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", code],
            env=dict(env),
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def serves_and_stops(code: str, env: Mapping[str, str], log: Path) -> None:
    """Run a block that serves, until it is ready; then stop it as an operator would."""
    command = COMMAND.search(code)
    assert command is not None
    protocol = command[3] or "rest"
    port = int(re.findall(r"--port[ =](\d+)", code)[-1])
    alone = ALONE.fullmatch(code.replace("\\\n", " ").strip())
    if alone:
        words = shlex.split(alone["arguments"])
        program = programs.start(f"vizion3d.programs.{protocol}", words, log, env)
        try:
            _stop_when_ready(program, protocol, port, log)
        finally:
            program.kill()
        return
    with shell(SERVE_LINE.sub(r"\1exec ", code), env, log) as process:
        _stop_when_ready(process, protocol, port, log)


def _stop_when_ready(
    process: "subprocess.Popen[bytes] | programs.Forked", protocol: str, port: int, log: Path
) -> None:
    end = time.monotonic() + READY_WITHIN_S
    while not _is_ready(protocol, port):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.1)
    below = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGTERM)
    assert process.wait(STOPPED_WITHIN_S) == 0, log.read_text()
    assert "Traceback" not in log.read_text(), log.read_text()
    assert psutil.wait_procs(below, STOPPED_WITHIN_S)[1] == []


def _is_ready(protocol: str, port: int) -> bool:
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) != 0:
            return False
    return protocol == "grpc" or requests.get(f"http://127.0.0.1:{port}/ready", timeout=10).ok
