"""A worker's share of its machine's cores.

Ray counts cores and assigns none: two workers of one core each would both start a thread on every
core. Here a worker takes cores that no other has, and everything in it sees these alone.
"""

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO

_taken: list[IO[bytes]] = []
"""Held until the process ends, however it ends."""


def take_cores(count: int, folder: Path | None = None) -> list[int]:
    """Have this process run on so many of its cores that no other process has taken.

    A core is taken by a lock on a file in a folder of this user's, which ends with the process.

    Args:
        count: How many.
        folder: Of the locks.

    Returns:
        The cores; none where the system cannot bind processes to cores, or so many are not free.
    """
    if not hasattr(os, "sched_setaffinity"):
        return []
    import fcntl

    folder = folder or Path(tempfile.gettempdir()) / f"vizion3d-cores-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    mine: dict[int, IO[bytes]] = {}
    for core in sorted(os.sched_getaffinity(0)):
        if len(mine) == count:
            break
        lock: IO[bytes] = (folder / str(core)).open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            continue
        mine[core] = lock
    if len(mine) < count:
        for taken in mine.values():
            taken.close()
        return []
    _taken.extend(mine.values())
    for thread in os.listdir("/proc/self/task"):  # noqa: PTH208 (names alone)
        with suppress(OSError):  # it has ended meanwhile
            os.sched_setaffinity(int(thread), mine)
    return list(mine)
