"""Loaded models, kept for the next command."""

import threading
from collections import OrderedDict
from concurrent.futures import Future
from pathlib import Path

from vizion3d.errors import CheckpointError
from vizion3d.lifting.checkpoints.store import Checkpoint
from vizion3d.lifting.runtime.base import Runtime, RuntimeLoader

_Key = tuple[Checkpoint, int, int]


class RuntimeCache:
    """The ``capacity`` most recently used runtimes.

    Each is loaded once, however many threads ask for it at the same time; a checkpoint whose file
    has changed since is loaded anew; a load that failed is tried again by the next caller.
    """

    def __init__(self, load: RuntimeLoader, capacity: int) -> None:
        self._load = load
        self._capacity = capacity
        self._lock = threading.Lock()
        self._runtimes: OrderedDict[_Key, Future[Runtime]] = OrderedDict()

    def get(self, checkpoint: Checkpoint) -> Runtime:
        """The runtime of a checkpoint, loaded if it is not in memory.

        Raises:
            CheckpointError: The file is gone or cannot be loaded.
        """
        key = _key(checkpoint)
        with self._lock:
            future = self._runtimes.get(key)
            mine = future is None
            if future is None:
                future = self._runtimes[key] = Future()
                while len(self._runtimes) > self._capacity:
                    self._runtimes.popitem(last=False)
            self._runtimes.move_to_end(key)
        if mine:
            self._fill(key, future)
        return future.result()

    def _fill(self, key: _Key, future: Future[Runtime]) -> None:
        try:
            future.set_result(self._load(key[0]))
        except BaseException as error:  # noqa: BLE001 (it reaches every caller that waits)
            with self._lock:
                if self._runtimes.get(key) is future:
                    del self._runtimes[key]
            future.set_exception(error)

    def loaded(self) -> dict[Path, str]:
        """Path -> description of every runtime in memory."""
        with self._lock:
            futures = list(self._runtimes.items())
        return {
            key[0].path: future.result().description
            for key, future in futures
            if future.done() and future.exception() is None
        }


def _key(checkpoint: Checkpoint) -> _Key:
    try:
        status = checkpoint.path.stat()
    except OSError as error:
        raise CheckpointError(
            f"the checkpoint {checkpoint.path} cannot be read: {error.strerror}"
        ) from error
    return checkpoint, status.st_mtime_ns, status.st_size
