import threading
from concurrent.futures import CancelledError

import pytest

from vizion3d.core.scope import Scope, current_scope, within
from vizion3d.errors import DeadlineExceededError


def test_without_a_scope_nothing_ends() -> None:
    current_scope().check()
    assert current_scope().remaining_s() is None


def test_cancelling_where_no_scope_is_open_cancels_nothing_else() -> None:
    current_scope().cancel()
    current_scope().check()


def test_a_scope_holds_within_its_block_and_not_in_another_thread() -> None:
    scope, seen = Scope(60), []
    with within(scope):
        assert current_scope() is scope
        thread = threading.Thread(target=lambda: seen.append(current_scope()))
        thread.start()
        thread.join()
    assert current_scope() is not scope
    assert seen[0] is not scope


def test_time_that_has_passed_is_told_with_what_was_allowed() -> None:
    scope = Scope(0.0)
    with pytest.raises(DeadlineExceededError, match="within 0 s"):
        scope.check()
    assert scope.remaining_s() == 0


def test_time_that_was_spent_before_is_counted_and_the_whole_is_told() -> None:
    remaining = Scope(60, spent_s=45).remaining_s()
    assert remaining is not None
    assert 10 < remaining <= 15
    with pytest.raises(DeadlineExceededError, match="within 60 s"):
        Scope(60, spent_s=61).check()


def test_time_that_is_left_is_told() -> None:
    remaining = Scope(60).remaining_s()
    assert remaining is not None
    assert 50 < remaining <= 60


def test_cancelled_work_goes_no_further_and_callbacks_are_told_once() -> None:
    scope, told = Scope(), []
    with scope.cancelling(lambda: told.append("first")):
        pass
    with scope.cancelling(lambda: told.append("open")):
        scope.cancel()
    with scope.cancelling(lambda: told.append("late")):
        pass
    assert told == ["open", "late"]
    with pytest.raises(CancelledError):
        scope.check()
