"""Loaded models, kept for the next command."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from vizion3d.checkpoints.store import Checkpoint
from vizion3d.core.fork import renew_after_fork
from vizion3d.core.shared import SharedWork
from vizion3d.errors import CheckpointError
from vizion3d.runtime.base import Runtime, RuntimeLoader
from vizion3d.runtime.fallback import PrecisionFallback

_Stamp = tuple[int, int]


@dataclass(frozen=True)
class _Key:
    """A checkpoint, in the precision that was asked for or, ``exact``, in float32."""

    checkpoint: Checkpoint
    exact: bool = False


class RuntimeCache:
    """The ``capacity`` most recently used runtimes.

    Each is loaded once, however many threads ask for it at the same time; a checkpoint whose file
    has changed since is loaded anew, in place of the old one; a load that failed is tried again by
    the next caller.

    Args:
        load: Loads a checkpoint.
        capacity: How many networks stay in memory.
        load_exact: Loads a checkpoint in float32, for images that overflow in a lower precision.
            Such a network counts as one more.
    """

    def __init__(
        self, load: RuntimeLoader, capacity: int, load_exact: RuntimeLoader | None = None
    ) -> None:
        self._load = load
        self._load_exact = load_exact
        self._capacity = capacity
        self._loads = SharedWork[Runtime]()
        self._runtimes: OrderedDict[_Key, tuple[_Stamp, Runtime]] = OrderedDict()
        self.after_fork()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Begin with a lock that nobody holds."""
        self._lock = threading.Lock()

    def get(self, checkpoint: Checkpoint) -> Runtime:
        """The runtime of a checkpoint, loaded if it is not in memory.

        Loading goes on when a caller is out of time: the next one finds it loaded.

        Raises:
            CheckpointError: The file is gone or cannot be loaded.
            DeadlineExceededError: The current scope's deadline passed before it was loaded.
            CancelledError: The current scope was cancelled meanwhile.
        """
        return self._get(_Key(Checkpoint(checkpoint.path.resolve(), checkpoint.network)))

    def _get(self, key: _Key) -> Runtime:
        found = self._find(key, _stamp(key.checkpoint.path))
        return found or self._loads.result(key, partial(self._load_unless_kept, key))

    def _load_unless_kept(self, key: _Key) -> Runtime:
        stamp = _stamp(key.checkpoint.path)
        runtime = self._find(key, stamp)  # somebody may have loaded it a moment ago
        if runtime is None:
            runtime = self._loaded(key)
            self._keep(key, stamp, runtime)
        return runtime

    def _loaded(self, key: _Key) -> Runtime:
        if self._load_exact is None:
            return self._load(key.checkpoint)
        if key.exact:
            return self._load_exact(key.checkpoint)
        runtime = self._load(key.checkpoint)
        if runtime.description.endswith("fp32"):
            return runtime
        # Kept here like any other, and so within the capacity.
        return PrecisionFallback(runtime, partial(self._get, _Key(key.checkpoint, exact=True)))

    def _find(self, key: _Key, stamp: _Stamp) -> Runtime | None:
        with self._lock:
            kept = self._runtimes.get(key)
            if kept is None or kept[0] != stamp:
                return None
            self._runtimes.move_to_end(key)
            return kept[1]

    def _keep(self, key: _Key, stamp: _Stamp, runtime: Runtime) -> None:
        with self._lock:
            self._runtimes[key] = stamp, runtime
            self._runtimes.move_to_end(key)
            while len(self._runtimes) > self._capacity:
                self._runtimes.popitem(last=False)

    def loaded(self) -> dict[Path, str]:
        """Resolved path -> description of what runs it, for every checkpoint in memory."""
        with self._lock:
            kept = sorted(self._runtimes.items(), key=lambda item: not item[0].exact)
        return {key.checkpoint.path: runtime.description for key, (_, runtime) in kept}


def _stamp(path: Path) -> _Stamp:
    try:
        status = path.stat()
    except OSError as error:
        raise CheckpointError(f"the checkpoint {path} cannot be read: {error.strerror}") from error
    return status.st_mtime_ns, status.st_size
