"""Loaded models, kept for the next command."""

import threading
from collections import OrderedDict
from functools import partial
from pathlib import Path

from vizion3d.checkpoints.store import Checkpoint
from vizion3d.core.shared import SharedWork
from vizion3d.errors import CheckpointError
from vizion3d.runtime.base import Runtime, RuntimeLoader

_Stamp = tuple[int, int]


class RuntimeCache:
    """The ``capacity`` most recently used runtimes.

    Each is loaded once, however many threads ask for it at the same time; a checkpoint whose file
    has changed since is loaded anew, in place of the old one; a load that failed is tried again by
    the next caller.
    """

    def __init__(self, load: RuntimeLoader, capacity: int) -> None:
        self._load = load
        self._capacity = capacity
        self._lock = threading.Lock()
        self._loads = SharedWork[Runtime]()
        self._runtimes: OrderedDict[Checkpoint, tuple[_Stamp, Runtime]] = OrderedDict()

    def get(self, checkpoint: Checkpoint) -> Runtime:
        """The runtime of a checkpoint, loaded if it is not in memory.

        Loading goes on when a caller is out of time: the next one finds it loaded.

        Raises:
            CheckpointError: The file is gone or cannot be loaded.
            DeadlineExceededError: The current scope's deadline passed before it was loaded.
            CancelledError: The current scope was cancelled meanwhile.
        """
        key = Checkpoint(checkpoint.path.resolve(), checkpoint.network)
        found = self._find(key, _stamp(key.path))
        return found or self._loads.result(key, partial(self._load_unless_kept, checkpoint, key))

    def _load_unless_kept(self, checkpoint: Checkpoint, key: Checkpoint) -> Runtime:
        stamp = _stamp(key.path)
        runtime = self._find(key, stamp)  # somebody may have loaded it a moment ago
        if runtime is None:
            runtime = self._load(checkpoint)
            self._keep(key, stamp, runtime)
        return runtime

    def _find(self, key: Checkpoint, stamp: _Stamp) -> Runtime | None:
        with self._lock:
            kept = self._runtimes.get(key)
            if kept is None or kept[0] != stamp:
                return None
            self._runtimes.move_to_end(key)
            return kept[1]

    def _keep(self, key: Checkpoint, stamp: _Stamp, runtime: Runtime) -> None:
        with self._lock:
            self._runtimes[key] = stamp, runtime
            self._runtimes.move_to_end(key)
            while len(self._runtimes) > self._capacity:
                self._runtimes.popitem(last=False)

    def loaded(self) -> dict[Path, str]:
        """Resolved path -> description of every runtime in memory."""
        with self._lock:
            return {key.path: kept[1].description for key, kept in self._runtimes.items()}


def _stamp(path: Path) -> _Stamp:
    try:
        status = path.stat()
    except OSError as error:
        raise CheckpointError(f"the checkpoint {path} cannot be read: {error.strerror}") from error
    return status.st_mtime_ns, status.st_size
