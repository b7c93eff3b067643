"""Waiting for a network that may stay silent, without being bound to it."""

import threading
from collections.abc import Callable, Generator, Iterable
from queue import Empty, Full, Queue
from typing import Generic, TypeVar

from vizion3d.checkpoints.watch import Watch

T = TypeVar("T")

_ASKED_EVERY_S = 0.1
_AHEAD = 4
"""Items that are read before they are wanted."""


def interruptible(items: Callable[[], Iterable[T]], watch: Watch) -> Generator[T, None, None]:
    """Items, read in a thread of their own: calling the download off ends the wait for the next.

    The thread is left to itself then. It ends with the item it waits for, or with the network's
    timeout, closes what it has opened, and has no part in the files.

    Args:
        items: Opens and yields them.
        watch: The download.

    Raises:
        CalledOffError: The download was called off.
        Exception: What ``items`` raises.
    """
    source = _Source(items)
    threading.Thread(target=source.read, name="download-source", daemon=True).start()
    try:
        while True:
            watch.check()
            try:
                outcome = source.outcomes.get(timeout=_ASKED_EVERY_S)
            except Empty:
                continue
            if isinstance(outcome, _End):
                if outcome.error is not None:
                    raise outcome.error
                return
            yield outcome
    finally:
        source.unwanted.set()


class _End:
    """No item follows."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class _Source(Generic[T]):
    """What both threads share."""

    def __init__(self, items: Callable[[], Iterable[T]]) -> None:
        self._items = items
        self.outcomes: Queue[T | _End] = Queue(_AHEAD)
        self.unwanted = threading.Event()

    def read(self) -> None:
        try:
            for item in self._items():
                if not self._hand_on(item):
                    return
            end = _End()
        except BaseException as error:  # noqa: BLE001 (raised where it is waited for)
            end = _End(error)
        self._hand_on(end)

    def _hand_on(self, outcome: "T | _End") -> bool:
        while not self.unwanted.is_set():
            try:
                self.outcomes.put(outcome, timeout=_ASKED_EVERY_S)
                return True
            except Full:
                continue
        return False
