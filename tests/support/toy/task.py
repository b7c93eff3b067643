"""What the task says of itself."""

from collections.abc import Callable
from dataclasses import replace

from tests.support.toy.commands import DifferenceCommand, DifferenceResult
from vizion3d.core.cqrs import Bus
from vizion3d.core.lazy import later
from vizion3d.task import Feature, Parts, Task

DIFFERENCE = Task(
    feature=Feature("photo_difference", "photo difference", "difference_model"),
    handlers={
        "tests.support.toy.commands:DifferenceCommand": later("tests.support.toy.handler:register")
    },
    default_model="grey",
    images=("first", "second"),
    rest="tests.support.toy.rest:ROUTE",
    grpc="tests.support.toy.grpc:METHODS",
    cli={"difference": "tests.support.toy.cli:difference"},
)


def handled_by(handle: Callable[[DifferenceCommand], DifferenceResult]) -> Task:
    """The task with another handler."""
    (path,) = DIFFERENCE.handlers

    def register(_parts: Parts, bus: Bus) -> None:
        bus.register(DifferenceCommand, handle)

    return replace(DIFFERENCE, handlers={path: register})
