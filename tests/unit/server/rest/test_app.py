import asyncio
import logging
from pathlib import Path

import pytest

from tests.support.toy.task import DIFFERENCE
from vizion3d.app import build_container
from vizion3d.checkpoints.store import Checkpoint, CheckpointStore
from vizion3d.server.metrics import Metrics
from vizion3d.server.rest.app import create_app
from vizion3d.server.scheduler import Scheduler
from vizion3d.server.service import Service
from vizion3d.server.settings import ServerSettings
from vizion3d.settings import load_settings


class BrokenStore(CheckpointStore):
    """Fails in a way that nobody thought of."""

    def resolve(self, backend: str) -> Checkpoint:
        raise RuntimeError("CUDA out of memory") from MemoryError("of 2 GiB")


def broken_service(folder: Path) -> Service:
    metrics = Metrics()
    settings = ServerSettings(port=0, models={"photo_difference": "grey"})
    container = build_container(
        load_settings(), checkpoints=BrokenStore(folder), tasks=(DIFFERENCE,)
    )
    return Service(settings, container, Scheduler(1, 60, metrics), metrics)


def test_whatever_goes_wrong_while_loading_is_logged_with_its_cause(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(broken_service(tmp_path))

    async def start() -> None:
        async with app.router.lifespan_context(app) as state:
            assert state is not None
            with pytest.raises(RuntimeError, match="CUDA out of memory"):
                await state["loading"]

    with caplog.at_level(logging.ERROR):
        asyncio.run(start())
    (record,) = caplog.records
    assert "CUDA out of memory" in record.getMessage()
    assert record.exc_info is not None
    error = record.exc_info[1]
    assert error is not None
    assert isinstance(error.__cause__, MemoryError)
