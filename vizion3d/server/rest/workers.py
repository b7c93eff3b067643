"""Several processes that do the same."""

import logging
import multiprocessing
import signal
from collections.abc import Callable
from multiprocessing.connection import wait

logger = logging.getLogger(__name__)

_POLL_S = 0.5


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

    def start() -> multiprocessing.process.BaseProcess:
        process = spawn.Process(target=work)
        process.start()
        return process

    told_to_stop = False

    def stop(_signal: int, _frame: object) -> None:
        nonlocal told_to_stop
        told_to_stop = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    processes = [start() for _ in range(count)]
    code = 0
    while not told_to_stop and code == 0:
        wait([process.sentinel for process in processes], _POLL_S)
        for index, process in enumerate(processes):
            if process.is_alive() or told_to_stop:
                continue
            if process.exitcode == 1:
                code = 1
                break
            logger.error("worker %s died (%s); starting another", process.pid, process.exitcode)
            processes[index] = start()
    for process in processes:
        if process.is_alive():
            process.terminate()
    for process in processes:
        process.join()
    return code
