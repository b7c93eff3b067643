import logging

import pytest

from tests.support.fakes import Recorder
from vizion3d.core.observe import Guarded, timed


class Failing(Recorder):
    """Fails when it is told of a stage."""

    def stage(self, stage: str, seconds: float) -> None:
        raise RuntimeError("out of order")


def test_an_observers_error_is_logged_once_and_goes_no_further(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failing = Failing()
    guarded = Guarded(failing)
    with caplog.at_level(logging.ERROR, logger="vizion3d"):
        for _ in range(3):
            with timed(guarded, "inference"):
                pass
    guarded.batch(2)
    guarded.queued(5)
    assert [r.exc_info is not None for r in caplog.records] == [True]
    assert (failing.batches, failing.waiting) == ([2], 5)


def test_what_fails_is_not_timed() -> None:
    recorder = Recorder()
    with pytest.raises(ValueError, match="no"), timed(recorder, "inference"):
        raise ValueError("no")
    assert recorder.stages == []
