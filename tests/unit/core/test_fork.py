import gc
import os
import sys
import threading

import pytest

from vizion3d.core.fork import Threads, renew_after_fork


class Part:
    """Holds a lock."""

    def __init__(self) -> None:
        self.after_fork()
        renew_after_fork(self)

    def after_fork(self) -> None:
        self.lock = threading.Lock()


@pytest.mark.process
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_begins_with_a_lock_that_nobody_holds() -> None:
    part, gone = Part(), Part()
    del gone
    gc.collect()
    with part.lock:
        child = os.fork()
        if child == 0:
            os._exit(0 if part.lock.acquire(timeout=1) else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert part.lock.locked(), "the parent's is untouched"
    sys.stdout.flush()


def test_a_librarys_threads_that_a_fork_has_lost_are_told() -> None:
    unused, used = Threads("fake"), Threads("fake")
    used.use()
    used.use()
    for threads in (unused, used):
        threads.after_fork()
    unused.use()
    with pytest.raises(RuntimeError, match=r'fake had run already.*get_context\("spawn"\)'):
        used.use()
