"""Lifting 2D images into 3D. These four names are the public API."""

from vizion3d.lifting.commands import DepthEstimationCommand
from vizion3d.lifting.models import DepthEstimationAdvanceConfig, DepthEstimationResult

__all__ = [
    "DepthEstimation",
    "DepthEstimationAdvanceConfig",
    "DepthEstimationCommand",
    "DepthEstimationResult",
]


class DepthEstimation:
    """Facade of the depth estimation task.

    All instances share the loaded models. Settings are read from the environment
    (:class:`vizion3d.settings.Settings`) when the first command runs.

    Example:
        ```python
        from vizion3d.lifting import (
            DepthEstimation,
            DepthEstimationAdvanceConfig,
            DepthEstimationCommand,
        )

        cmd = DepthEstimationCommand(
            image_input="scene.png",
            return_point_cloud=True,
            advanced_config=DepthEstimationAdvanceConfig(
                fx=615.0, fy=615.0, cx=320.0, cy=240.0, depth_trunc=5.0
            ),
        )
        result = DepthEstimation().run(cmd)
        ```
    """

    experimental: bool = False

    def run(self, command: DepthEstimationCommand) -> DepthEstimationResult:
        """Dispatch the command through the command bus to its handler.

        Args:
            command: The image and what to make of it.

        Returns:
            The depth, and the Open3D objects that were asked for.

        Raises:
            Vizion3DError: One of the errors of :mod:`vizion3d.errors`, saying what was wrong.
        """
        from vizion3d.core.container import default_container

        return default_container().commands.dispatch(command)
