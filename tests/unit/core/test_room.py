import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor

import pytest

from vizion3d.core.room import Room
from vizion3d.core.scope import Scope, within
from vizion3d.errors import DeadlineExceededError

WITHIN_S = 10


def test_there_is_room_for_so_much_at_the_same_time() -> None:
    room, inside, most = Room(3), 0, 0
    lock, together = threading.Lock(), threading.Barrier(3)

    def work(amount: int) -> None:
        nonlocal inside, most
        with room.taken(amount):
            with lock:
                inside += amount
                most = max(most, inside)
            if amount == 1:
                together.wait(WITHIN_S)
            with lock:
                inside -= amount

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, [1, 1, 1, 2, 2, 3]))
    assert most == 3


def test_more_than_there_is_takes_all_of_it() -> None:
    room = Room(2)
    with (
        room.taken(100),
        pytest.raises(DeadlineExceededError),
        within(Scope(0.01)),
        room.taken(1),
    ):
        pass
    with within(Scope(0.01)), room.taken(2):
        pass


def test_the_large_one_that_came_first_is_not_overtaken_for_ever() -> None:
    room, order = Room(2), []
    first = room.taken(1)
    first.__enter__()
    large_waits = threading.Event()

    def large() -> None:
        large_waits.set()
        with room.taken(2):
            order.append("large")

    def small() -> None:
        with room.taken(1):
            order.append("small")

    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(large)]
        assert large_waits.wait(WITHIN_S)
        while not room._waiting:
            pass
        futures.append(pool.submit(small))
        while len(room._waiting) < 2:
            pass
        first.__exit__(None, None, None)
        for future in futures:
            future.result(WITHIN_S)
    assert order == ["large", "small"]


def test_waiting_ends_with_the_deadline_and_leaves_nothing_behind() -> None:
    room = Room(1)
    with (
        room.taken(),
        pytest.raises(DeadlineExceededError, match=r"within 0\.01 s"),
        within(Scope(0.01)),
        room.taken(),
    ):
        pass
    with room.taken():
        pass


def test_waiting_ends_when_nobody_wants_it_any_more() -> None:
    room, scope, waits = Room(1), Scope(), threading.Event()

    def wait() -> None:
        waits.set()
        with within(scope), room.taken():
            raise AssertionError

    with room.taken(), ThreadPoolExecutor(1) as pool:
        future = pool.submit(wait)
        assert waits.wait(WITHIN_S)
        scope.cancel()
        with pytest.raises(CancelledError):
            future.result(WITHIN_S)


def test_work_that_fails_gives_its_room_back() -> None:
    room = Room(1)
    for _ in range(3):
        with pytest.raises(KeyError), room.taken():
            raise KeyError
