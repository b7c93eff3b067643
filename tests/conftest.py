"""Every test runs in an environment of its own: no VIZION3D_* variable, no GPU, an empty cache.

Tests that take long say why by a marker (``pyproject.toml`` has the list), and ``--fast`` leaves
them out; a module that is marked as a whole is then not even imported. That none forgets to is seen
to here: a test that uses the browser or the full-size checkpoint is marked by that, and one without
a marker may start no child process.
"""

import functools
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

NOT_FAST = frozenset({"process", "server", "browser", "full_size", "slow"})
MARKED_BY_FIXTURE = {"browser": "browser", "vits": "full_size"}
MARKED_AS_A_WHOLE = re.compile(r"^pytestmark = pytest\.mark\.(\w+)$", re.MULTILINE)
MAY_START_PROCESSES = ("process", "server", "browser")
STARTS_A_PROCESS = ((subprocess.Popen, "__init__"), (os, "fork"), (os, "posix_spawn"))

# What a process has compiled is kept for the next one: the suite starts more than a hundred.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

_running: list[pytest.Item] = []

# No test asserts how long something takes: a busy machine is no fault.
settings.register_profile("vizion3d", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("fast", settings.get_profile("vizion3d"), max_examples=10)
settings.load_profile("vizion3d")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fast", action="store_true", help="leave out what is marked to take long")


def pytest_configure(config: pytest.Config) -> None:
    """Workers share the cores: the networks of one take no more threads than its part of them."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if workers > 1:
        threads = max(1, (os.cpu_count() or 1) // workers)
        os.environ.setdefault("OMP_NUM_THREADS", str(threads))  # torch's, here and in children
    if config.option.fast:
        settings.load_profile("fast")
    for owner, name in STARTS_A_PROCESS:
        setattr(owner, name, _for_marked_tests(getattr(owner, name)))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    if not config.option.fast or collection_path.suffix != ".py":
        return None
    marked = MARKED_AS_A_WHOLE.search(collection_path.read_text())
    return True if marked and marked[1] in NOT_FAST else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        for fixture, marker in MARKED_BY_FIXTURE.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(marker)
    if config.option.fast:
        slow = [item for item in items if takes_long(item)]
        config.hook.pytest_deselected(items=slow)
        left_out = set(slow)
        items[:] = [item for item in items if item not in left_out]
    # Files that take long begin first, so that the workers end together.
    long = {item.path for item in items if takes_long(item)}
    items.sort(key=lambda item: item.path not in long)


def takes_long(item: pytest.Item) -> bool:
    return bool(NOT_FAST & {mark.name for mark in item.iter_markers()})


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    _running.append(item)
    try:
        return (yield)
    finally:
        _running.pop()


def _for_marked_tests(start: Callable[..., Any]) -> Callable[..., Any]:
    """``start``, which a test may call that says by a marker that it starts a process."""

    @functools.wraps(start)
    def checked(*arguments: Any, **named: Any) -> Any:
        if _running and not any(map(_running[-1].get_closest_marker, MAY_START_PROCESSES)):
            raise AssertionError(
                f"{_running[-1].nodeid} starts a child process by {start.__qualname__}: mark it "
                "@pytest.mark.process, so that `make fast` leaves it out"
            )
        return start(*arguments, **named)

    return checked


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this run of the tests, the same one for every worker."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def vits(run_folder: Path) -> Path:
    """A seeded checkpoint of the released Small's shape, made once in a run of the tests."""
    from filelock import FileLock

    from tests.support.checkpoints import VITS, save_checkpoint

    path = run_folder / "seeded" / "depth_anything_v2_vits.safetensors"
    path.parent.mkdir(exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        return path if path.exists() else save_checkpoint(path, VITS)


@pytest.fixture(scope="module")
def uncounted() -> Iterator[None]:
    """From here to the end of the module, what child processes reach is not counted as covered.

    For those that run a copy of the package, or what other tests count, too: counting makes a
    process a third slower.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
        yield


@pytest.fixture(autouse=True)
def clean_environment(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if n.startswith("VIZION3D_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("VIZION3D_DEVICE", "cpu")
    # One for all: what converts a checkpoint has its own lock.
    monkeypatch.setenv("VIZION3D_MODEL_CACHE", str(run_folder / "model-cache"))


@pytest.fixture(autouse=True)
def clean_log() -> Iterator[None]:
    """What a program sets up for its process ends with the test: its stream will be closed."""
    root, ours = logging.getLogger(), logging.getLogger("vizion3d")
    levels = root.level, ours.level
    yield
    root.handlers[:] = [
        each for each in root.handlers if type(each).__module__ == "_pytest.logging"
    ]
    ours.handlers.clear()
    root.setLevel(levels[0])
    ours.setLevel(levels[1])
