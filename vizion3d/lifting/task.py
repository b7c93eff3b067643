"""What depth estimation says of itself."""

from collections.abc import Callable
from typing import Any

from vizion3d.checkpoints.catalogue import DEFAULT_DEPTH_MODEL_URL
from vizion3d.core.cqrs import Command
from vizion3d.lifting.aligned import AlignDepthCommand
from vizion3d.lifting.commands import DepthEstimationCommand
from vizion3d.lifting.handler import AlignDepthHandler, DepthEstimationHandler
from vizion3d.lifting.models import DepthEstimationResult
from vizion3d.task import Feature, Parts, Task


def _handler(parts: Parts) -> Callable[[DepthEstimationCommand], DepthEstimationResult]:
    return DepthEstimationHandler(
        parts.checkpoints,
        parts.runtimes,
        parts.inference,
        parts.images,
        parts.observer,
    ).handle


def _others(parts: Parts) -> dict[type[Command[Any]], Callable[[Any], Any]]:
    return {AlignDepthCommand: AlignDepthHandler(_handler(parts)).handle}


DEPTH_ESTIMATION = Task(
    feature=Feature("depth_estimation", "depth estimation", "depth_model"),
    command=DepthEstimationCommand,
    handler=_handler,
    others=_others,
    default_model=DEFAULT_DEPTH_MODEL_URL,
    images=("image_input",),
    rest="vizion3d.lifting.rest:ROUTE",
    grpc="vizion3d.lifting.grpc:METHODS",
    cli="vizion3d.lifting.cli:COMMANDS",
    tensors="vizion3d.lifting.tensors:TENSORS",
)
