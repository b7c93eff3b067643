import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from vizion3d.core.kept_thread import CallersThread, KeptThread, Thread
from vizion3d.core.remarks import current_remarks, remarks
from vizion3d.core.scope import Scope, current_scope, within


def in_new_threads(work: Callable[[], int], count: int) -> list[int]:
    """What each of several new threads comes to, one after another."""
    results = []
    for _ in range(count):
        with ThreadPoolExecutor(1) as pool:
            results.append(pool.submit(work).result(30))
    return results


def test_all_work_is_done_in_one_thread_whoever_asks() -> None:
    kept = KeptThread("kept")
    idents = in_new_threads(lambda: kept.run(threading.get_ident), 3)
    assert set(idents) == {kept.run(threading.get_ident)}
    assert threading.get_ident() not in idents
    assert kept.run(lambda: threading.current_thread().name).startswith("kept")


def test_works_of_several_callers_never_overlap() -> None:
    kept, lock = KeptThread("kept"), threading.Lock()

    def work() -> None:
        assert lock.acquire(blocking=False)
        lock.release()

    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(lambda: kept.run(work)) for _ in range(100)]:
            future.result(30)


@pytest.mark.parametrize("thread", [KeptThread("kept"), CallersThread()])
def test_the_callers_scope_and_remarks_hold(thread: Thread) -> None:
    def work() -> Scope:
        current_remarks()["seen"] = True
        return current_scope()

    scope = Scope(30)
    with within(scope), remarks() as collected:
        assert thread.run(work) is scope
    assert collected == {"seen": True}


@pytest.mark.parametrize("thread", [KeptThread("kept"), CallersThread()])
@pytest.mark.parametrize("error", [ValueError, MemoryError, SystemExit])
def test_an_error_is_raised_where_it_was_asked_for_and_the_thread_goes_on(
    thread: Thread, error: type[BaseException]
) -> None:
    def fail() -> None:
        raise error("wrong")

    with pytest.raises(error, match="wrong"):
        thread.run(fail)
    assert thread.run(lambda: 7) == 7


def test_without_it_the_caller_works() -> None:
    assert CallersThread().run(threading.get_ident) == threading.get_ident()


@pytest.mark.process
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_has_a_thread_of_its_own() -> None:
    kept = KeptThread("kept")
    ident = kept.run(threading.get_ident)
    child = os.fork()
    if child == 0:
        done = threading.Event()
        threading.Thread(target=lambda: kept.run(done.set), daemon=True).start()
        os._exit(0 if done.wait(10) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert kept.run(threading.get_ident) == ident, "the parent's is untouched"
    sys.stdout.flush()
