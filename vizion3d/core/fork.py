"""Threads and locks in a process that is forked: they do not survive it."""

import os
import weakref
from typing import Protocol


class Forkable(Protocol):
    """Has threads or locks."""

    def after_fork(self) -> None:
        """Begin anew in a child process: its only thread is the one that forked, and whatever lock
        another thread held stays locked."""


_alive: "weakref.WeakSet[Forkable]" = weakref.WeakSet()


def renew_after_fork(part: Forkable) -> None:
    """Have ``part.after_fork()`` called in every child that is forked while ``part`` lives."""
    _alive.add(part)


def _renew_all() -> None:
    for part in list(_alive):
        part.after_fork()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_renew_all)


class Threads:
    """The threads of a library that does not survive a fork once it has started them.

    Args:
        library: Its name.
    """

    def __init__(self, library: str) -> None:
        self._library = library
        self._started = self._lost = False
        renew_after_fork(self)

    def after_fork(self) -> None:
        """What ran in the parent is gone here."""
        self._lost = self._started

    def use(self) -> None:
        """Say that the library's threads are needed now.

        Raises:
            RuntimeError: This process was forked after they had started: whoever waits for them
                waits for ever.
        """
        if self._lost:
            raise RuntimeError(
                f"this process was forked from one in which {self._library} had run already, and "
                "its threads do not survive that: start processes with "
                'multiprocessing.get_context("spawn"), or load no model before the fork'
            )
        self._started = True
