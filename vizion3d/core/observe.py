"""What a running application tells whoever measures it."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, Protocol

logger = logging.getLogger(__name__)

Stage = Literal["decode", "load", "queue", "inference", "package", "encode"]


class Observer(Protocol):
    """Is told what happens; called from several threads."""

    def stage(self, stage: Stage, seconds: float) -> None:
        """A stage of one request's work has ended."""

    def batch(self, size: int) -> None:
        """That many images went through the network together."""

    def queued(self, count: int) -> None:
        """That many images wait for the network now."""


class NoObserver:
    """Nobody measures."""

    def stage(self, stage: Stage, seconds: float) -> None:
        """See :meth:`Observer.stage`."""

    def batch(self, size: int) -> None:
        """See :meth:`Observer.batch`."""

    def queued(self, count: int) -> None:
        """See :meth:`Observer.queued`."""


class Guarded:
    """An observer whose errors are logged, once, and disturb nobody's work.

    Args:
        observer: Is told.
    """

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._failed = False

    def stage(self, stage: Stage, seconds: float) -> None:
        """See :meth:`Observer.stage`."""
        with self._guard():
            self._observer.stage(stage, seconds)

    def batch(self, size: int) -> None:
        """See :meth:`Observer.batch`."""
        with self._guard():
            self._observer.batch(size)

    def queued(self, count: int) -> None:
        """See :meth:`Observer.queued`."""
        with self._guard():
            self._observer.queued(count)

    @contextmanager
    def _guard(self) -> Iterator[None]:
        try:
            yield
        except Exception:
            if not self._failed:
                logger.exception("%s failed; what it observes goes on", self._observer)
            self._failed = True


@contextmanager
def timed(observer: Observer, stage: Stage) -> Iterator[None]:
    """Tell ``observer`` how long what follows takes, if it succeeds."""
    begin = time.perf_counter()
    yield
    observer.stage(stage, time.perf_counter() - begin)
