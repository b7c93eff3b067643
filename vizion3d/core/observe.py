"""What a running application tells whoever measures it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, Protocol

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
        pass

    def batch(self, size: int) -> None:
        pass

    def queued(self, count: int) -> None:
        pass


@contextmanager
def timed(observer: Observer, stage: Stage) -> Iterator[None]:
    """Tell ``observer`` how long what follows takes, if it succeeds."""
    begin = time.perf_counter()
    yield
    observer.stage(stage, time.perf_counter() - begin)
