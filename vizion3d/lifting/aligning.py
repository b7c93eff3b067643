"""What happens on the command to align a depth estimation."""

from collections.abc import Callable
from dataclasses import replace

from vizion3d.core.cqrs import Bus
from vizion3d.core.scope import current_scope
from vizion3d.errors import InvalidConfigError
from vizion3d.lifting.aligned import AlignDepthCommand, AlignedDepth, align_result
from vizion3d.lifting.commands import DepthEstimationCommand
from vizion3d.lifting.models import DepthEstimationResult
from vizion3d.lifting.output import DepthOutput
from vizion3d.outputs.result_output import with_objects
from vizion3d.task import Parts


class AlignDepthHandler:
    """Turns results into metres.

    Args:
        estimate: Runs a command that is to be aligned.
    """

    def __init__(self, estimate: Callable[[DepthEstimationCommand], DepthEstimationResult]) -> None:
        self._estimate = estimate

    def handle(self, command: AlignDepthCommand) -> AlignedDepth:
        """Align the command's result, or that of the command that it holds.

        Raises:
            InvalidConfigError: What is known does not fit the image, or contradicts itself or the
                depth; or a cloud is asked for of a result without its photo.
            Vizion3DError: What the command that it holds raises.
        """
        current_scope().check()
        source = command.source
        if isinstance(source, DepthEstimationCommand):
            aligned = self._estimate(replace(source, knowledge=command.knowledge))
            assert isinstance(aligned, AlignedDepth)
            return aligned
        if command.return_point_cloud and (source.rgb is None or source.intrinsics is None):
            raise InvalidConfigError(
                "a point cloud needs a result with its photo (rgb) and its intrinsics"
            )
        aligned = align_result(source, command.knowledge)
        output = DepthOutput(aligned, command.advanced_config)
        return with_objects(aligned, output, command.return_depth_image, command.return_point_cloud)


def register(_parts: Parts, bus: Bus) -> None:
    """Register the handler of :class:`AlignDepthCommand`."""
    bus.register(AlignDepthCommand, AlignDepthHandler(bus.dispatch).handle)
