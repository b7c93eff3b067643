import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import Any

import pytest

from vizion3d.core.scope import Scope, within
from vizion3d.core.shared import SharedWork
from vizion3d.errors import DeadlineExceededError

WITHIN_S = 10


class SlowWork:
    """Work that ends when it is told to; counts how often it was begun."""

    def __init__(self, error: Exception | None = None) -> None:
        self.begun, self.go, self.times = threading.Event(), threading.Event(), 0
        self.error = error

    def __call__(self) -> str:
        self.times += 1
        self.begun.set()
        assert self.go.wait(WITHIN_S)
        if self.error:
            raise self.error
        return "done"


def test_it_is_done_once_for_all_who_wait() -> None:
    shared, work = SharedWork[str](), SlowWork()
    scopes = [Scope(WITHIN_S) for _ in range(3)]

    def wait(scope: Scope) -> str:
        with within(scope):
            return shared.result("file", work)

    with ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(wait, scope) for scope in scopes]
        while not all(scope._on_cancel for scope in scopes):
            pass  # until all of them wait
        work.go.set()
        assert [future.result(WITHIN_S) for future in futures] == ["done"] * 3
    assert work.times == 1
    assert shared.result("file", lambda: "again") == "again"


def test_other_work_runs_meanwhile() -> None:
    shared, slow = SharedWork[str](), SlowWork()
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(shared.result, "slow", slow)
        assert slow.begun.wait(WITHIN_S)
        assert shared.result("other", lambda: "quick") == "quick"
        slow.go.set()
        assert future.result(WITHIN_S) == "done"


def test_who_is_out_of_time_leaves_and_the_work_goes_on() -> None:
    shared, work = SharedWork[str](), SlowWork()
    with pytest.raises(DeadlineExceededError), within(Scope(0.01)):
        shared.result("file", work)
    work.go.set()
    assert shared.result("file", lambda: "done") == "done"
    assert work.times == 1


def test_who_is_called_off_leaves() -> None:
    shared, work, scope = SharedWork[str](), SlowWork(), Scope()

    def wait() -> str:
        with within(scope):
            return shared.result("file", work)

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(wait)
        assert work.begun.wait(WITHIN_S)
        scope.cancel()
        with pytest.raises(CancelledError):
            future.result(WITHIN_S)
    work.go.set()


def test_an_error_is_told_to_all_who_wait_and_the_next_tries_again() -> None:
    shared, work = SharedWork[str](), SlowWork(KeyError("no network"))
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(shared.result, "file", work) for _ in range(2)]
        assert work.begun.wait(WITHIN_S)
        work.go.set()
        for future in futures:
            with pytest.raises(KeyError, match="no network"):
                future.result(WITHIN_S)
    assert shared.result("file", lambda: "done") == "done"


class NoThread:
    """A thread of a system that has no more of them."""

    def __init__(self, **_given: Any) -> None:
        pass

    def start(self) -> None:
        raise RuntimeError("can't start new thread")


def test_work_whose_thread_cannot_be_started_is_told_and_tried_again() -> None:
    shared = SharedWork[int]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading, "Thread", NoThread)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            shared.result("key", lambda: 1)
    with within(Scope(30)):
        assert shared.result("key", lambda: 2) == 2


def test_work_that_stayed_in_the_parent_is_begun_anew_after_a_fork() -> None:
    shared, parent = SharedWork[int](), threading.Event()

    def slow() -> int:
        assert parent.wait(30)
        return 1

    with pytest.raises(DeadlineExceededError), within(Scope(0.01)):
        shared.result("key", slow)
    shared.after_fork()
    with within(Scope(30)):
        assert shared.result("key", lambda: 2) == 2
    parent.set()
