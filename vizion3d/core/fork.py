"""Objects whose threads and locks do not survive a fork."""

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
