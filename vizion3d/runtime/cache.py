"""Loaded models, kept for the next command."""

import threading
from collections import OrderedDict, defaultdict
from pathlib import Path

from vizion3d.checkpoints.store import Checkpoint
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
        self._loading: defaultdict[Checkpoint, threading.Lock] = defaultdict(threading.Lock)
        self._runtimes: OrderedDict[Checkpoint, tuple[_Stamp, Runtime]] = OrderedDict()

    def get(self, checkpoint: Checkpoint) -> Runtime:
        """The runtime of a checkpoint, loaded if it is not in memory.

        Raises:
            CheckpointError: The file is gone or cannot be loaded.
        """
        key = Checkpoint(checkpoint.path.resolve(), checkpoint.network)
        with self._lock:
            loading = self._loading[key]
        # One lock a checkpoint: others load meanwhile, and whoever waits finds it loaded.
        with loading:
            stamp = _stamp(key.path)
            runtime = self._find(key, stamp)
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
