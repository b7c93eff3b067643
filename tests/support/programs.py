"""Programs of ours in processes of their own that need not import everything anew.

They are forked from one process that has imported what servers import (``IMPORTED``) and that has
computed nothing yet. ``tests/integration/test_program.py``, ``tests/docs`` and
``tests/integration/test_packaging.py`` start programs as users do.
"""

import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path

ROOT = Path(__file__).parents[2]

IMPORTED = (
    "cv2",
    "tests.support.programs",
    "vizion3d.lifting.grpc",
    "vizion3d.lifting.rest",
    "vizion3d.programs.grpc",
    "vizion3d.programs.rest",
    "vizion3d.runtime.openvino_runtime",
    "vizion3d.server.grpc.process",
    "vizion3d.server.rest.app",
    "vizion3d.server.rest.process",
    "vizion3d.serving",
    "vizion3d.stereo.grpc",
    "vizion3d.stereo.rest",
)

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(list(IMPORTED))


class Forked:
    """A forked process, by the names that ``subprocess.Popen`` has."""

    def __init__(self, process: BaseProcess) -> None:
        self._process = process
        assert process.pid is not None
        self.pid: int = process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(str(self._process), timeout or 0)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def start(
    module: str, arguments: Sequence[str], log: Path, environment: Mapping[str, str]
) -> subprocess.Popen[bytes] | Forked:
    """Start ``main`` of a module; its output goes to ``log``.

    Benchmarks and tools, which are no tests, start it as users do.
    """
    if "PYTEST_CURRENT_TEST" not in os.environ:
        with log.open("wb") as stream:
            return subprocess.Popen(
                (sys.executable, "-m", module, *arguments),
                stdout=stream,
                stderr=stream,
                env=dict(environment),
            )
    _ensure_running()
    process = _context.Process(
        target=_run, args=(module, tuple(arguments), log, dict(environment), Path.cwd())
    )
    process.start()
    return Forked(process)


def _ensure_running() -> None:
    """Start the process that has imported everything, where it finds the tests."""
    here = Path.cwd()
    os.chdir(ROOT)
    try:
        forkserver.ensure_running()
    finally:
        os.chdir(here)


def _run(
    module: str, arguments: Sequence[str], log: Path, environment: Mapping[str, str], folder: Path
) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    stream = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for standard in (1, 2):
        os.dup2(stream, standard)
    sys.argv = [module, *arguments]
    importlib.import_module(module).main()
