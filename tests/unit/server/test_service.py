import asyncio
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.checkpoints import save_checkpoint
from tests.support.toy.commands import DifferenceCommand, DifferenceResult
from tests.support.toy.task import DIFFERENCE, handled_by
from vizion3d.app import build_container
from vizion3d.checkpoints.commands import LoadModelCommand
from vizion3d.checkpoints.store import CheckpointStore
from vizion3d.errors import (
    CheckpointError,
    DownloadError,
    InvalidImageError,
    ModelNotAllowedError,
    OverloadedError,
)
from vizion3d.server.metrics import Metrics
from vizion3d.server.scheduler import Scheduler, State
from vizion3d.server.service import BYTES_PER_PIXEL, Service
from vizion3d.server.settings import ServerSettings
from vizion3d.serving import build_service
from vizion3d.settings import load_settings

SIDE_PX = 10
PHOTO = np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8)
COMMAND = DifferenceCommand(PHOTO, PHOTO + 1, model_backend="")
ONE_REQUEST_BYTES = 2 * SIDE_PX * SIDE_PX * BYTES_PER_PIXEL
WITHIN_S = 10


class Counter:
    """A handler that counts how many are at work together, and waits to be let go."""

    def __init__(self, for_s: float = 0.05) -> None:
        self._for_s = for_s
        self.together, self.most = 0, 0
        self.go = threading.Event()
        self._lock = threading.Lock()

    def handle(self, command: DifferenceCommand) -> DifferenceResult:
        with self._lock:
            self.together += 1
            self.most = max(self.most, self.together)
        self.go.wait(self._for_s)
        with self._lock:
            self.together -= 1
        return DifferenceResult(np.zeros((1, 1), np.float32), 0.0)


def service(counter: Counter | None = None, **settings: object) -> Service:
    task = handled_by(counter.handle) if counter else DIFFERENCE
    return build_service(ServerSettings(port=0, **settings), (task,))


@pytest.mark.parametrize(("room", "most"), [(1, 1), (3, 3), (0.5, 1)])
def test_decoded_images_are_bounded_by_their_bytes(room: float, most: int) -> None:
    counter = Counter()
    served = service(counter, max_decoded_bytes=int(room * ONE_REQUEST_BYTES))

    async def ask_all() -> None:
        await asyncio.gather(*(served.run(COMMAND, lambda result: result) for _ in range(8)))
        await served.stop()

    asyncio.run(ask_all())
    assert counter.most <= most


def test_the_answer_is_what_is_made_of_the_result() -> None:
    async def ask() -> float:
        return await service().run(COMMAND, lambda result: result.mean)

    assert asyncio.run(ask()) == 1.0


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (replace(COMMAND, model_backend="/etc/passwd"), ModelNotAllowedError),
        (replace(COMMAND, second=b"no photo"), InvalidImageError),
    ],
)
def test_what_is_wrong_with_a_request_is_told_and_leaves_nothing_taken(
    command: DifferenceCommand, error: type[Exception]
) -> None:
    served = service(max_queue=0, max_batch_size=1, max_decoded_bytes=1)

    async def ask() -> None:
        for _ in range(3):
            with pytest.raises(error):
                await served.run(command, lambda result: result, patient=True)
        await served.run(COMMAND, lambda result: result, patient=True)

    asyncio.run(ask())


def test_a_model_is_offered_by_its_tasks_own_words() -> None:
    seen: list[str] = []

    class Seeing(Counter):
        def handle(self, command: DifferenceCommand) -> DifferenceResult:
            seen.append(command.model_backend)
            return super().handle(command)

    served = service(Seeing(), models={"photo_difference": "mine"}, allow_models=("other", "mine"))

    async def ask() -> None:
        for name in ("", "other", "mine"):
            await served.run(replace(COMMAND, model_backend=name), lambda result: result)

    asyncio.run(ask())
    assert seen == ["mine", "other", "mine"]


def test_a_selected_model_that_cannot_be_loaded_is_told() -> None:
    served = service(models={"photo_difference": "no such model"})
    with pytest.raises(CheckpointError, match="no such model"):
        asyncio.run(served.load())
    assert served.scheduler.state is State.LOADING


def test_a_server_without_a_selected_model_is_ready_at_once() -> None:
    served = service()
    assert LoadModelCommand in served._container.commands.registered
    asyncio.run(served.load())
    assert served.scheduler.state is State.READY


class NoNetwork(CheckpointStore):
    """Downloads nothing, as long as there is no network."""

    def __init__(self, cache: Path) -> None:
        super().__init__(cache)
        self.network = threading.Event()

    def fetch(self, backend: str) -> Path:
        if not self.network.is_set():
            raise DownloadError("no network", "no-network")
        return Path(backend)


def test_a_server_is_not_ready_before_a_model_can_answer(tmp_path: Path) -> None:
    metrics, store = Metrics(), NoNetwork(tmp_path)
    container = build_container(load_settings(), checkpoints=store, tasks=(DIFFERENCE,))
    served = Service(ServerSettings(port=0), container, Scheduler(1, 60, metrics), metrics)
    pauses = 0

    async def pause(_seconds: float) -> None:
        nonlocal pauses
        pauses += 1
        assert served.scheduler.state is State.LOADING
        assert "no-network" in str(served.not_ready_because)
        store.network.set()

    served._default_files._sleep = pause
    asyncio.run(served.load())
    assert pauses == 1
    assert served.scheduler.state is State.READY
    assert served.not_ready_because is None


def test_models_are_told_when_it_is_their_turn() -> None:
    counter = Counter(WITHIN_S)
    served = service(counter, max_queue=0, max_batch_size=1, models={"photo_difference": "nano"})

    async def ask() -> list[str]:
        busy = asyncio.create_task(served.run(COMMAND, lambda result: result))
        while counter.together == 0:
            await asyncio.sleep(0)
        asking = asyncio.create_task(served.models())
        await asyncio.sleep(0.01)
        assert not asking.done()
        counter.go.set()
        await busy
        return [info.name for info, is_default in await asking if is_default]

    assert asyncio.run(ask()) == ["nano"]


def test_models_are_not_told_by_a_server_that_stops() -> None:
    served = service(models={"photo_difference": "nano"})

    async def ask() -> None:
        await served.stop()
        with pytest.raises(OverloadedError, match="stopping"):
            await served.models()

    asyncio.run(ask())


TORCH_FREE = """
import asyncio, sys
from vizion3d.serving import build_service
from vizion3d.server.settings import ServerSettings
models = {"depth_estimation": sys.argv[1]}
settings = ServerSettings(port=0, device="cpu", models=models, features=tuple(models))
served = build_service(settings)
((info, default),) = asyncio.run(served.models())
print(info.variant, default, "torch" in sys.modules)
"""


@pytest.mark.process
@pytest.mark.parametrize("ending", ["safetensors", "pth"])
def test_telling_the_models_loads_no_torch(tmp_path: Path, ending: str) -> None:
    path = save_checkpoint(tmp_path / f"mine.{ending}")
    told = subprocess.run(
        [sys.executable, "-c", TORCH_FREE, str(path)], capture_output=True, text=True, check=True
    )
    variant, default, torch = told.stdout.split()
    assert (default, torch) == ("True", "False")
    assert variant
