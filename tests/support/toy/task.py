"""What the task says of itself, and its handler."""

from collections.abc import Callable

import numpy as np

from tests.support.toy.commands import DifferenceCommand, DifferenceResult
from vizion3d.core.scope import current_scope
from vizion3d.errors import InvalidImageError
from vizion3d.task import Feature, Parts, Task


def _handler(parts: Parts) -> Callable[[DifferenceCommand], DifferenceResult]:
    def handle(command: DifferenceCommand) -> DifferenceResult:
        current_scope().check()
        first, second = (parts.images.read(image) for image in (command.first, command.second))
        if first.shape != second.shape:
            raise InvalidImageError(f"the photos differ in size: {first.shape}, {second.shape}")
        grey = [image.astype(np.float32).mean(axis=2) for image in (first, second)]
        difference = np.abs(grey[0] - grey[1]) * np.float32(command.config.gain)
        return DifferenceResult(difference, float(difference.mean()))

    return handle


DIFFERENCE = Task(
    feature=Feature("photo_difference", "photo difference", "difference_model"),
    command=DifferenceCommand,
    handler=_handler,
    default_model="grey",
    images=("first", "second"),
    rest="tests.support.toy.rest:ROUTE",
    grpc="tests.support.toy.grpc:METHODS",
    cli="tests.support.toy.cli:COMMANDS",
)
