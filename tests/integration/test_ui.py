"""``vizion3d ui`` as a process, and the page beside the servers' other settings."""

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from tests.support.servers import free_port, running

pytestmark = pytest.mark.server

PROGRAM = [sys.executable, "-c", "from vizion3d.programs.cli import main; main()"]
OPENED_S = 120


@pytest.fixture
def opener(tmp_path: Path) -> tuple[str, Path]:
    """A browser that writes down what it is asked to open; and where."""
    opened = tmp_path / "opened"
    program = f"import sys; open({str(opened)!r}, 'w').write(sys.argv[1])"
    return f"{shlex.quote(sys.executable)} -c {shlex.quote(program)} %s", opened


def test_ui_serves_the_page_without_a_download_and_opens_it(
    opener: tuple[str, Path], tmp_path: Path
) -> None:
    browser, opened = opener
    port = free_port()
    environment = {**os.environ, "BROWSER": browser, "VIZION3D_OFFLINE": "1"}
    command = [*PROGRAM, "ui", "--port", str(port)]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    try:
        end = time.monotonic() + OPENED_S
        while not (opened.exists() and opened.read_text()):
            assert process.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < end
            time.sleep(0.05)
        address = f"http://127.0.0.1:{port}"
        assert opened.read_text() == address
        assert "<title>vizion3d</title>" in requests.get(address, timeout=10).text
        names = [model["name"] for model in requests.get(f"{address}/models", timeout=10).json()]
        assert names[0] == "nano"
        assert {"small", "metric-indoor-small"} < set(names)
        download = requests.post(f"{address}/models/small/download", timeout=10).json()
        assert download["reason"] == "offline"
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
    printed = (tmp_path / "log").read_text()
    assert address in printed
    lines = [line for line in printed.splitlines() if line]
    assert len(lines) == len(set(lines)), "nothing twice"


def test_the_page_can_be_left_out(tmp_path: Path) -> None:
    with running("rest", tmp_path / "log", "--depth_model", "nano", "--no-ui") as server:
        for path in ("/", "/ui/js/main.js"):
            answer = requests.get(f"{server.url}{path}", timeout=10)
            assert answer.status_code == 404
            assert answer.headers["Content-Type"] == "application/problem+json"


def test_the_page_needs_no_key_and_the_api_does(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("some-key-of-the-test\n")
    flags = ("--depth_model", "nano", "--api-key-file", str(keys))
    with running("rest", tmp_path / "log", *flags) as server:
        assert requests.get(server.url, timeout=10).status_code == 200
        assert requests.get(f"{server.url}/ui/css/page.css", timeout=10).status_code == 200
        assert requests.get(f"{server.url}/models", timeout=10).status_code == 401
        # What is no file of the page is no way around the key.
        assert requests.get(f"{server.url}/ui/../models", timeout=10).status_code == 401
        assert requests.get(f"{server.url}/ui/no.js", timeout=10).status_code == 404
