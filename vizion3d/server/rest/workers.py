"""Several processes that do the same."""

import logging
import multiprocessing
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess

from vizion3d.server.metrics import forget_process

logger = logging.getLogger(__name__)

_POLL_S = 0.5
_FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
"""Before a process that dies again and again is started again."""
_SETTLED_AFTER_S = 60.0
"""A process that lived so long was no failed start."""


def supervise(work: Callable[[], None], count: int) -> int:
    """Keep ``count`` processes at ``work`` until SIGTERM or SIGINT, which is passed on to them.

    A process that dies is replaced; one that ends with 1 could not start, and no other would.

    Args:
        work: What each does; picklable.
        count: How many.

    Returns:
        The exit code to end with.
    """
    spawn = multiprocessing.get_context("spawn")

    def start() -> BaseProcess:
        process = spawn.Process(target=work)
        process.start()
        return process

    told_to_stop = False

    def stop(_signal: int, _frame: object) -> None:
        nonlocal told_to_stop
        told_to_stop = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    supervisor = Supervisor(start, count, forget_process)
    while not told_to_stop and supervisor.code == 0:
        wait([process.sentinel for process in supervisor.alive()], _POLL_S)
        if not told_to_stop:
            supervisor.look()
    supervisor.stop()
    return supervisor.code


@dataclass
class _Place:
    """One of the processes, and those that were there before it."""

    process: BaseProcess | None
    started_at_s: float
    failures: int = 0
    next_start_at_s: float = 0.0


class Supervisor:
    """Replaces processes that die: at once, but with longer and longer pauses if they die young.

    Args:
        start: Starts a process.
        count: How many there are to be.
        died: Is told the id of one that has died.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        start: Callable[[], BaseProcess],
        count: int,
        died: Callable[[int], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.code = 0
        self._start, self._died, self._clock = start, died, clock
        self._places = [_Place(start(), clock()) for _ in range(count)]

    def alive(self) -> list[BaseProcess]:
        """The processes, in their places."""
        return [place.process for place in self._places if place.process is not None]

    def look(self) -> None:
        """See who has died, and start those whose time has come."""
        for place in self._places:
            if place.process is not None and not place.process.is_alive():
                if place.process.exitcode == 1:
                    self.code = 1
                    return
                self._bury(place)
            if place.process is None and self._clock() >= place.next_start_at_s:
                place.process, place.started_at_s = self._start(), self._clock()

    def stop(self) -> None:
        """Have all end, and wait for it."""
        for process in self.alive():
            if process.is_alive():
                process.terminate()
        for process in self.alive():
            process.join()

    def _bury(self, place: _Place) -> None:
        process, now_s = place.process, self._clock()
        assert process is not None
        assert process.pid is not None
        settled = now_s - place.started_at_s >= _SETTLED_AFTER_S
        place.failures = 0 if settled else place.failures + 1
        pause_s = 0.0
        if place.failures:
            pause_s = min(LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** (place.failures - 1))
        logger.error(
            "worker %s died (%s); starting another in %g s", process.pid, process.exitcode, pause_s
        )
        place.process, place.next_start_at_s = None, now_s + pause_s
        self._died(process.pid)
