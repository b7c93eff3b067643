"""How the deployment in front tells what goes wrong in a model's; ``tests/ray`` has real ones."""

from concurrent.futures import CancelledError
from types import SimpleNamespace
from typing import Any

import pytest
from ray.exceptions import RayActorError
from ray.serve.exceptions import BackPressureError, RequestCancelledError

from vizion3d.core.scope import Scope, within
from vizion3d.errors import DeadlineExceededError, OverloadedError
from vizion3d.ray.replica import handler_of


class Model:
    """A handle whose replica does not answer."""

    def __init__(self, error: Exception) -> None:
        self.run, self.cancelled = self, False
        self._error = error

    def remote(self, *_: Any) -> "Model":
        return self

    def cancel(self) -> None:
        self.cancelled = True

    def result(self, timeout_s: float | None) -> None:
        assert timeout_s is None or timeout_s <= 60
        raise self._error


def ask(model: Model, scope: Scope) -> None:
    with within(scope):
        handler_of({"m": model})(SimpleNamespace(model_backend="m"))


@pytest.mark.parametrize(
    "error",
    [BackPressureError(num_queued_requests=3, max_queued_requests=2), RayActorError()],
)
def test_a_model_that_is_busy_or_lost_can_be_asked_again(error: Exception) -> None:
    with pytest.raises(OverloadedError):
        ask(Model(error), Scope())


def test_a_model_that_takes_too_long_is_called_off() -> None:
    model = Model(TimeoutError())
    with pytest.raises(DeadlineExceededError, match="within 60 s"):
        ask(model, Scope(60))
    assert model.cancelled


def test_what_was_called_off_is_no_overload() -> None:
    scope = Scope()

    class Leaving(Model):
        def result(self, timeout_s: float | None) -> None:
            scope.cancel()
            super().result(timeout_s)

    model = Leaving(RequestCancelledError())
    with pytest.raises(CancelledError):
        ask(model, scope)
    assert model.cancelled
