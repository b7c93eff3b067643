import asyncio
import threading

import pytest

from vizion3d.core.scope import current_scope
from vizion3d.errors import DeadlineExceededError, OverloadedError
from vizion3d.server.metrics import Metrics
from vizion3d.server.scheduler import Scheduler, State


def scheduler(capacity: int = 2, timeout_s: float = 60) -> Scheduler:
    return Scheduler(capacity, timeout_s, Metrics())


class Work:
    """Runs until it is let go."""

    def __init__(self) -> None:
        self.begun, self.go, self.cancelled = (threading.Event() for _ in range(3))

    def __call__(self) -> str:
        with current_scope().cancelling(self.cancelled.set):
            self.begun.set()
            assert self.go.wait(30)
        return "done"


async def begun(work: Work) -> None:
    assert await asyncio.to_thread(work.begun.wait, 30)


def test_work_runs_in_a_thread_and_its_result_or_error_comes_back() -> None:
    async def main() -> None:
        s = scheduler()
        assert await s.run(threading.current_thread) is not threading.main_thread()
        with pytest.raises(ZeroDivisionError):
            await s.run(lambda: 1 / 0)
        s.close()

    asyncio.run(main())


def test_more_than_the_capacity_is_refused_at_once_and_patience_waits() -> None:
    async def main() -> None:
        s, works = scheduler(2), [Work(), Work(), Work()]
        first = [asyncio.create_task(s.run(w)) for w in works[:2]]
        for work in works[:2]:
            await begun(work)
        with pytest.raises(OverloadedError, match="2 requests are under way"):
            await s.run(works[2])
        patient = asyncio.create_task(s.run(works[2], patient=True))
        await asyncio.sleep(0.05)
        assert not works[2].begun.is_set()
        works[0].go.set()
        await begun(works[2])
        works[1].go.set()
        works[2].go.set()
        assert await asyncio.gather(*first, patient) == ["done"] * 3
        s.close()

    asyncio.run(main())


def test_a_cancelled_caller_cancels_the_scope_and_keeps_the_slot_until_the_thread_ends() -> None:
    async def main() -> None:
        s, work = scheduler(1), Work()
        task = asyncio.create_task(s.run(work))
        await begun(work)
        task.cancel()
        assert await asyncio.to_thread(work.cancelled.wait, 30)
        with pytest.raises(OverloadedError):
            await s.run(lambda: None)
        work.go.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await s.run(lambda: "next", patient=True) == "next"
        s.close()

    asyncio.run(main())


@pytest.mark.parametrize(("servers", "callers"), [(0.01, None), (60, 0.01), (0.01, 60)])
def test_the_shorter_of_both_limits_holds(servers: float, callers: float | None) -> None:
    def work() -> None:
        threading.Event().wait(0.05)
        current_scope().check()

    async def main() -> None:
        s = scheduler(1, servers)
        with pytest.raises(DeadlineExceededError, match=r"within 0\.01 s"):
            await s.run(work, callers)
        s.close()

    asyncio.run(main())


@pytest.mark.parametrize("in_time", [True, False])
def test_draining_finishes_what_is_under_way_and_refuses_the_rest(in_time: bool) -> None:
    async def main() -> None:
        s, work = scheduler(2), Work()
        task = asyncio.create_task(s.run(work))
        await begun(work)
        draining = asyncio.create_task(s.drain(30 if in_time else 0.05))
        await asyncio.sleep(0.01)
        assert s.state is State.DRAINING
        with pytest.raises(OverloadedError, match="stopping"):
            await s.run(lambda: None)
        if in_time:
            work.go.set()
        assert await draining is in_time
        work.go.set()
        assert await task == "done"
        s.close()

    asyncio.run(main())


def test_a_patient_scheduler_refuses_nobody_until_it_is_drained() -> None:
    async def main() -> None:
        s, work = Scheduler(1, 60, Metrics(), patient=True), Work()
        first, second, third = (
            asyncio.create_task(s.run(call)) for call in (work, lambda: "second", lambda: "third")
        )
        await begun(work)
        second.cancel()
        await asyncio.sleep(0.01)
        assert not third.done()
        draining = asyncio.create_task(s.drain(30))
        with pytest.raises(OverloadedError, match="stopping"):
            await third
        assert not draining.done()
        work.go.set()
        assert await draining
        assert await first == "done"
        s.close()

    asyncio.run(main())


def test_an_idle_scheduler_is_drained_at_once() -> None:
    async def main() -> bool:
        return await scheduler().drain(0.01)

    assert asyncio.run(main())


def test_metrics_know_what_is_under_way() -> None:
    async def main() -> list[bytes]:
        metrics = Metrics()
        s, work = Scheduler(2, 60, metrics), Work()

        def told() -> list[bytes]:
            lines = metrics.render().splitlines()
            return [line for line in lines if line.startswith(b"vizion3d_requests_in_flight")]

        task = asyncio.create_task(s.run(work))
        await begun(work)
        during = told()
        work.go.set()
        await task
        after = told()
        s.close()
        return during + after

    assert asyncio.run(main()) == [
        b"vizion3d_requests_in_flight 1.0",
        b"vizion3d_requests_in_flight 0.0",
    ]
