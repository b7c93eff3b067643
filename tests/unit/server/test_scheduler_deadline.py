"""Deadlines of what cannot be called off."""

import asyncio
import threading

import pytest

from vizion3d.errors import DeadlineExceededError, OverloadedError
from vizion3d.server.metrics import Metrics
from vizion3d.server.scheduler import Scheduler, having_waited


def test_who_is_out_of_time_is_told_at_once_and_the_slot_waits_for_the_thread() -> None:
    async def scenario() -> None:
        scheduler, gate = Scheduler(1, 60, Metrics()), threading.Event()
        with pytest.raises(DeadlineExceededError, match=r"within 0\.05 s"):
            await scheduler.run(gate.wait, 0.05)  # work that asks nobody about the time
        with pytest.raises(OverloadedError):
            await scheduler.run(lambda: 1)
        with pytest.raises(DeadlineExceededError, match=r"within 0\.05 s"):
            await scheduler.run(lambda: 1, 0.05, patient=True)
        gate.set()
        assert await scheduler.run(lambda: 1, patient=True) == 1
        assert await scheduler.drain(30)
        scheduler.close()

    asyncio.run(scenario())


def test_who_has_waited_elsewhere_for_as_long_as_it_may_does_not_begin() -> None:
    done = []

    async def scenario() -> None:
        scheduler = Scheduler(1, 60, Metrics())
        with having_waited(61), pytest.raises(DeadlineExceededError, match="within 60 s"):
            await scheduler.run(lambda: done.append("server's"))
        with having_waited(3), pytest.raises(DeadlineExceededError, match="within 2 s"):
            await scheduler.run(lambda: done.append("caller's"), 2)
        with having_waited(3):
            await scheduler.run(lambda: done.append("in time"), patient=True)
        scheduler.close()

    asyncio.run(scenario())
    assert done == ["in time"]


def test_a_timeout_of_the_works_own_is_no_deadline() -> None:
    def work() -> None:
        raise TimeoutError("device lost")

    async def scenario() -> None:
        scheduler = Scheduler(1, 60, Metrics())
        with pytest.raises(TimeoutError, match="device lost"):
            await scheduler.run(work)
        scheduler.close()

    asyncio.run(scenario())
