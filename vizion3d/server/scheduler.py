"""Who may work now, and for how long."""

import asyncio
import contextvars
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum
from typing import Any, TypeVar

from vizion3d.core.scope import Scope, within
from vizion3d.errors import DeadlineExceededError, OverloadedError
from vizion3d.server.metrics import Metrics

T = TypeVar("T")

_waited_s: ContextVar[float] = ContextVar("waited_s", default=0.0)


@contextmanager
def having_waited(seconds: float) -> Iterator[None]:
    """Count the time of what follows from so many seconds ago: it has waited elsewhere before."""
    token = _waited_s.set(seconds)
    try:
        yield
    finally:
        _waited_s.reset(token)


class State(Enum):
    """Where a server is in its life."""

    LOADING = "loading"
    READY = "ready"
    DRAINING = "draining"


class Scheduler:
    """Admits requests, runs each in a thread, and counts them; lives on one event loop.

    Requests meet again at the network, whose queue forms batches. What is admitted is bounded, so
    the threads are, and nothing waits unseen.

    Args:
        capacity: Requests that are under way at the same time: at the network, or waiting.
        timeout_s: A request's time, unless it brings less.
        metrics: Is told how many are under way.
        patient: Let a request wait for a slot rather than refuse it: somebody else has counted
            those that wait.
    """

    def __init__(
        self, capacity: int, timeout_s: float, metrics: Metrics, *, patient: bool = False
    ) -> None:
        self.capacity = capacity
        self.state = State.LOADING
        self._patient = patient
        self._timeout_s = timeout_s
        self._metrics = metrics
        self._in_flight = 0
        self._waiters: list[asyncio.Future[None]] = []
        self._threads = ThreadPoolExecutor(capacity, thread_name_prefix="request")

    async def run(
        self, work: Callable[[], T], timeout_s: float | None = None, *, patient: bool = False
    ) -> T:
        """Run ``work`` in a thread, within a scope of its own.

        If the caller is cancelled or out of time, so is the scope; the slot is free when the thread
        has ended, which may be later (a model that is being loaded cannot be called off).

        Args:
            work: What to do.
            timeout_s: The caller's own limit; the server's holds as well.
            patient: Wait for a slot rather than be refused.

        Raises:
            OverloadedError: Every slot is taken, or the server is stopping.
            DeadlineExceededError: Out of time.
        """
        limit_s = min(self._timeout_s, self._timeout_s if timeout_s is None else timeout_s)
        scope = Scope(limit_s, _waited_s.get())
        if patient or self._patient:
            await self._until(self._may_be_told, scope)
        self._admit()
        return await self._in_thread(work, scope)

    async def drain(self, timeout_s: float) -> bool:
        """Admit nothing more and wait for what is under way; whether all of it was finished."""
        self.state = State.DRAINING
        self._wake()
        try:
            await self._until(lambda: self._in_flight == 0, Scope(timeout_s))
        except DeadlineExceededError:
            return False
        return True

    def close(self) -> None:
        """End the threads, without waiting for work that is still under way."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _may_be_told(self) -> bool:
        """Whether there is a slot, or will be none any more."""
        return self._in_flight < self.capacity or self.state is State.DRAINING

    def _admit(self) -> None:
        if self.state is State.DRAINING:
            raise OverloadedError("the server is stopping; send the request to another one")
        if self._in_flight >= self.capacity:
            raise OverloadedError(
                f"the server is busy: {self._in_flight} requests are under way, as many as it "
                "accepts; try again in a moment"
            )
        self._count(+1)

    def _count(self, change: int) -> None:
        self._in_flight += change
        self._metrics.in_flight(self._in_flight)
        self._wake()

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def _until(self, condition: Callable[[], bool], scope: Scope) -> None:
        """Wait for a condition on what is under way.

        Raises:
            DeadlineExceededError: The scope's deadline passed first.
        """
        while not condition():
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                await asyncio.wait_for(waiter, scope.remaining_s())
            except TimeoutError:
                self._waiters = [other for other in self._waiters if other is not waiter]
                raise scope.exceeded() from None

    async def _in_thread(self, work: Callable[[], T], scope: Scope) -> T:
        def call() -> T:
            with within(scope):
                scope.check()
                return work()

        def done(thread: "asyncio.Future[T]") -> None:
            self._count(-1)  # the slot is taken until the thread is done
            _look_at(thread)

        context = contextvars.copy_context()
        thread = asyncio.get_running_loop().run_in_executor(self._threads, context.run, call)
        thread.add_done_callback(done)
        try:
            await asyncio.wait([thread], timeout=scope.remaining_s())
        finally:
            if not thread.done():
                scope.cancel()  # nobody waits for it any more
        if not thread.done():
            raise scope.exceeded()
        return thread.result()


def _look_at(thread: "asyncio.Future[Any]") -> None:
    """The error of work that nobody waits for is no news."""
    if not thread.cancelled():
        thread.exception()
