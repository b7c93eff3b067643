"""Bounded room: so many things, or bytes, at the same time; who wants more waits his turn."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from vizion3d.core.fork import renew_after_fork
from vizion3d.core.scope import current_scope


class Room:
    """Room for ``capacity``; those who wait get it in the order in which they came.

    Args:
        capacity: How much there is, in whatever unit.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self.after_fork()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Begin with all of the room: who has taken some is not here."""
        self._free = self._capacity
        self._changed = threading.Condition()
        self._waiting: deque[object] = deque()

    @contextmanager
    def taken(self, amount: int = 1) -> Iterator[None]:
        """Do what follows with so much of the room; all of it, if it is less than that.

        Raises:
            DeadlineExceededError: The current scope's deadline passed before there was room.
            CancelledError: The current scope was cancelled meanwhile.
        """
        amount = min(amount, self._capacity)
        self._take(amount)
        try:
            yield
        finally:
            with self._changed:
                self._free += amount
                self._changed.notify_all()

    def _take(self, amount: int) -> None:
        scope, ticket = current_scope(), object()

        def is_my_turn() -> bool:
            return scope.cancelled or (self._waiting[0] is ticket and self._free >= amount)

        with scope.cancelling(self._wake), self._changed:
            self._waiting.append(ticket)
            try:
                self._changed.wait_for(is_my_turn, scope.remaining_s())
                scope.check()
                if not is_my_turn():
                    raise scope.exceeded()
                self._free -= amount
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
