"""Work in one thread that is kept, for libraries that keep something of theirs by thread."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Protocol, TypeVar

from vizion3d.core.fork import renew_after_fork

T = TypeVar("T")


class Thread(Protocol):
    """Where work is done."""

    def run(self, work: Callable[[], T]) -> T:
        """What ``work`` returns; what it raises is raised."""


class CallersThread:
    """Whoever calls does the work."""

    def run(self, work: Callable[[], T]) -> T:
        """See :meth:`Thread.run`."""
        return work()


class KeptThread:
    """One thread, begun with the first work and kept for the process's life.

    It does one work after another, in the context (scope, remarks) of whoever asks for it.

    Args:
        name: Of the thread.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self.after_fork()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Begin without a thread."""
        self._pool = ThreadPoolExecutor(1, self._name)

    def run(self, work: Callable[[], T]) -> T:
        """See :meth:`Thread.run`."""
        context = copy_context()
        return self._pool.submit(lambda: context.run(work)).result()
