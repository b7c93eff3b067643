"""How long a piece of work may take, and whether anybody still waits for it.

An entry point opens a scope around what it dispatches; whoever works for it below asks
:func:`current_scope`. It travels with the context, like the deadline of an RPC, so that no command
has to carry it.
"""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from vizion3d.errors import DeadlineExceededError

T = TypeVar("T")


class Scope:
    """A deadline, and a way to call the work off from another thread.

    Args:
        timeout_s: Seconds that it may take; ``None`` is without end.
        spent_s: Seconds of them that have passed before now.
    """

    def __init__(self, timeout_s: float | None = None, spent_s: float = 0.0) -> None:
        self._timeout_s = timeout_s
        self._deadline = None if timeout_s is None else time.monotonic() + timeout_s - spent_s
        self._lock = threading.Lock()
        self._cancelled = False
        self._on_cancel: list[Callable[[], object]] = []

    def cancel(self) -> None:
        """Nobody waits for the result any more."""
        with self._lock:
            self._cancelled = True
            callbacks = tuple(self._on_cancel)
        for callback in callbacks:
            callback()

    @contextmanager
    def cancelling(self, callback: Callable[[], object]) -> Iterator[None]:
        """Have :meth:`cancel` call ``callback`` meanwhile (at once, if it was cancelled before)."""
        with self._lock:
            self._on_cancel.append(callback)
            cancelled = self._cancelled
        try:
            if cancelled:
                callback()
            yield
        finally:
            with self._lock:
                self._on_cancel.remove(callback)

    def remaining_s(self) -> float | None:
        """Seconds to the deadline, at least 0; ``None`` without one."""
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def check(self) -> None:
        """Go no further with work that is late or unwanted.

        Raises:
            DeadlineExceededError: The deadline has passed.
            CancelledError: The work was called off.
        """
        if self._cancelled:
            raise CancelledError
        if self.remaining_s() == 0:
            raise self.exceeded()

    @property
    def cancelled(self) -> bool:
        """Whether the work was called off."""
        return self._cancelled

    def wait(self, future: "Future[T]") -> T:
        """The future's result.

        Raises:
            DeadlineExceededError: The deadline passed before it was there; it is left to itself.
            CancelledError: The work was called off meanwhile.
            Exception: What the future holds.
        """
        woken = threading.Event()
        future.add_done_callback(lambda _: woken.set())
        with self.cancelling(woken.set):
            woken.wait(self.remaining_s())
        if not future.done():
            self.check()
            raise self.exceeded()
        return future.result()

    def exceeded(self) -> DeadlineExceededError:
        """The error that says that the deadline has passed."""
        return DeadlineExceededError(
            f"there was no result within {self._timeout_s:g} s; try again when there is less load, "
            "send a smaller image, or allow more time"
        )


_current: ContextVar[Scope | None] = ContextVar("scope", default=None)


def current_scope() -> Scope:
    """The innermost scope that is open here; a new one without end if there is none."""
    return _current.get() or Scope()


@contextmanager
def within(scope: Scope) -> Iterator[None]:
    """Do what follows within a scope."""
    token = _current.set(scope)
    try:
        yield
    finally:
        _current.reset(token)
