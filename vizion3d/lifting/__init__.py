"""Lifting 2D images into 3D. These names are the public API."""

from collections.abc import Generator, Iterable
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Literal, overload

from vizion3d.core.lazy import attributes
from vizion3d.errors import InvalidConfigError

if TYPE_CHECKING:
    from vizion3d.geometry.alignment import Knowledge
    from vizion3d.lifting.aligned import AlignDepthCommand, AlignedDepth
    from vizion3d.lifting.commands import DepthEstimationCommand
    from vizion3d.lifting.models import DepthEstimationAdvanceConfig, DepthEstimationResult
    from vizion3d.runtime.many import BatchSize, OnError
else:
    __getattr__ = attributes(
        __name__,
        {
            "AlignDepthCommand": "vizion3d.lifting.aligned",
            "AlignedDepth": "vizion3d.lifting.aligned",
            "DepthEstimationAdvanceConfig": "vizion3d.lifting.config",
            "DepthEstimationCommand": "vizion3d.lifting.commands",
            "DepthEstimationResult": "vizion3d.lifting.result",
            "Knowledge": "vizion3d.geometry.alignment",
        },
    )

__all__ = [
    "AlignDepthCommand",
    "AlignedDepth",
    "DepthEstimation",
    "DepthEstimationAdvanceConfig",
    "DepthEstimationCommand",
    "DepthEstimationResult",
    "Knowledge",
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

    def run(self, command: "DepthEstimationCommand") -> "DepthEstimationResult":
        """Dispatch the command through the command bus to its handler.

        Args:
            command: The image and what to make of it.

        Returns:
            The depth, and the Open3D objects that were asked for.

        Raises:
            Vizion3DError: One of the errors of :mod:`vizion3d.errors`, saying what was wrong.
        """
        from vizion3d.app import default_container

        return default_container().commands.dispatch(command)

    def align(
        self, source: "DepthEstimationResult | DepthEstimationCommand", **known: Any
    ) -> "AlignedDepth":
        """Turn a depth estimation into metres by what is known of the scene.

        Example:
            ```python
            from vizion3d.lifting import DepthEstimation, DepthEstimationCommand

            task = DepthEstimation()
            result = task.run(DepthEstimationCommand("scene.png"))
            aligned = task.align(result, points=[(105, 30, 0.42), (260, 30, 0.65)])
            print(aligned.depth_m[145, 183], aligned.residuals)
            ```

        Args:
            source: A result, or a command that is run first.
            known: Any mixture of ``points`` (rows ``(u, v, metres)``), ``distances`` (rows
                ``(u1, v1, u2, v2, metres)``), ``planes``, ``sparse_depth_m``, ``sparse_mask``,
                ``camera_height_m``, ``camera_pitch_deg``: the fields of
                :class:`~vizion3d.geometry.alignment.Knowledge`.

        Raises:
            InvalidConfigError: A field that there is none of, or what is known does not fit the
                image, or contradicts itself or the depth; the message lists known and fitted
                metres.
        """
        from vizion3d.app import default_container
        from vizion3d.geometry.alignment import Knowledge
        from vizion3d.lifting.aligned import AlignDepthCommand

        names = [field.name for field in fields(Knowledge)]
        if unknown := known.keys() - set(names):
            raise InvalidConfigError(
                f"align has no argument {', '.join(sorted(unknown))}; use {', '.join(names)}"
            )
        command = AlignDepthCommand(source, Knowledge(**known))
        return default_container().commands.dispatch(command)

    @overload
    def run_many(
        self,
        commands: "Iterable[DepthEstimationCommand]",
        *,
        batch_size: "BatchSize" = ...,
        ordered: bool = ...,
        on_error: Literal["raise"] = ...,
        steady: bool = ...,
    ) -> "Generator[DepthEstimationResult, None, None]": ...

    @overload
    def run_many(
        self,
        commands: "Iterable[DepthEstimationCommand]",
        *,
        batch_size: "BatchSize" = ...,
        ordered: bool = ...,
        on_error: "OnError",
        steady: bool = ...,
    ) -> "Generator[DepthEstimationResult | Exception, None, None]": ...

    def run_many(
        self,
        commands: "Iterable[DepthEstimationCommand]",
        *,
        batch_size: "BatchSize" = "auto",
        ordered: bool = True,
        on_error: "OnError" = "raise",
        steady: bool = False,
    ) -> "Generator[DepthEstimationResult | Exception, None, None]":
        """Run many commands: decoding, inference and packaging overlap, memory stays bounded.

        ``commands`` is read a few ahead of what is asked for, in a thread, so it may be endless and
        may block. Its arrays may be one buffer, filled anew for each command (a camera's): they are
        copied when they are taken. Closing the iterator calls off what is left.

        Example:
            ```python
            from pathlib import Path

            from vizion3d.lifting import DepthEstimation, DepthEstimationCommand

            photos = sorted(Path("photos").glob("*.jpg"))
            commands = (DepthEstimationCommand(photo) for photo in photos)
            for photo, result in zip(photos, DepthEstimation().run_many(commands)):
                print(photo, result.min_depth, result.max_depth)
            ```

        Args:
            commands: The images and what to make of each.
            batch_size: Images of equal shape that go through the network together, at most;
                ``"auto"`` is 1 on a CPU and 8 on a GPU. Out of memory halves it.
            ordered: Yield in the order of the commands; otherwise as they are done.
            on_error: ``"raise"`` ends with the first image's error; ``"yield"`` yields the error in
                the place of the image's result and goes on.
            steady: The images are the frames of a video, in order: relative depth gets one scale
                and shift for all frames of a shot (see :mod:`vizion3d.geometry.steady`).

        Yields:
            A result for each command (or, with ``on_error="yield"``, its error).

        Raises:
            Vizion3DError: The error of an image.
            Exception: What ``commands`` raises, after the results of the commands before.
        """
        from vizion3d.app import default_container
        from vizion3d.core.cqrs import CommandBus
        from vizion3d.geometry.steady import Steadier
        from vizion3d.lifting.steady import steady_results
        from vizion3d.media.images import snapshot
        from vizion3d.runtime.many import run_batched

        if steady and not ordered:
            raise InvalidConfigError("steady needs the frames in order: leave ordered at True")
        steadier = Steadier() if steady else None
        results = run_batched(
            default_container(),
            CommandBus.dispatch,
            (replace(command, image_input=snapshot(command.image_input)) for command in commands),
            batch_size=batch_size,
            ordered=ordered,
            on_error=on_error,
        )
        return results if steadier is None else steady_results(results, steadier)
