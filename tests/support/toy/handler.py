"""What happens on the task's command."""

import numpy as np

from tests.support.toy.commands import DifferenceCommand, DifferenceResult
from vizion3d.core.cqrs import Bus
from vizion3d.core.scope import current_scope
from vizion3d.errors import InvalidImageError
from vizion3d.task import Parts


def register(parts: Parts, bus: Bus) -> None:
    def handle(command: DifferenceCommand) -> DifferenceResult:
        current_scope().check()
        first, second = (parts.images.read(image) for image in (command.first, command.second))
        if first.shape != second.shape:
            raise InvalidImageError(f"the photos differ in size: {first.shape}, {second.shape}")
        grey = [image.astype(np.float32).mean(axis=2) for image in (first, second)]
        difference = np.abs(grey[0] - grey[1]) * np.float32(command.config.gain)
        return DifferenceResult(difference, float(difference.mean()))

    bus.register(DifferenceCommand, handle)
