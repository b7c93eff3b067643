"""Work that several threads want done once, and that goes on when one of them gives up."""

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

from vizion3d.core.fork import renew_after_fork
from vizion3d.core.scope import current_scope

T = TypeVar("T")


class SharedWork(Generic[T]):
    """Runs each piece of work in a thread of its own; whoever wants its result meanwhile waits.

    Work that takes minutes (a download, a conversion) outlives the request that began it: the next
    one finds it done, or waits for the same.
    """

    def __init__(self) -> None:
        self.after_fork()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Begin without the work whose threads have stayed in the parent."""
        self._lock = threading.Lock()
        self._running: dict[Hashable, Future[T]] = {}

    def result(self, key: Hashable, work: Callable[[], T]) -> T:
        """What the work of that key returns or raises; begun now, if it does not run already.

        Raises:
            DeadlineExceededError: The current scope's deadline passed before it was done.
            CancelledError: The current scope was cancelled meanwhile.
        """
        scope = current_scope()
        scope.check()
        with self._lock:
            future = self._running.get(key)
            if future is None:
                future = Future()
                thread = threading.Thread(
                    target=self._run, args=(key, future, work), name="shared-work", daemon=True
                )
                thread.start()  # fails where the system has no more threads: nothing runs then
                self._running[key] = future
        return scope.wait(future)

    def _run(self, key: Hashable, future: "Future[T]", work: Callable[[], T]) -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 (raised where it is waited for)
            self._forget(key)
            future.set_exception(error)
        else:
            self._forget(key)
            future.set_result(result)

    def _forget(self, key: Hashable) -> None:
        with self._lock:
            self._running.pop(key, None)
