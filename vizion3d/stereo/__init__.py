"""Depth in metres from two photos. These four names are the public API."""

from collections.abc import Generator, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, overload

from vizion3d.core.lazy import attributes

if TYPE_CHECKING:
    from vizion3d.runtime.many import BatchSize, OnError
    from vizion3d.stereo.commands import StereoDepthCommand
    from vizion3d.stereo.models import StereoDepthAdvancedConfig, StereoDepthResult
else:
    __getattr__ = attributes(
        __name__,
        {
            "StereoDepthAdvancedConfig": "vizion3d.stereo.config",
            "StereoDepthCommand": "vizion3d.stereo.commands",
            "StereoDepthResult": "vizion3d.stereo.result",
        },
    )

__all__ = [
    "StereoDepth",
    "StereoDepthAdvancedConfig",
    "StereoDepthCommand",
    "StereoDepthResult",
]


class StereoDepth:
    """Facade of the stereo depth task.

    Example:
        ```python
        from vizion3d.stereo import StereoDepth, StereoDepthAdvancedConfig, StereoDepthCommand

        cmd = StereoDepthCommand(
            left_image="left.png",
            right_image="right.png",
            return_point_cloud=True,
            advanced_config=StereoDepthAdvancedConfig(
                focal_length=1733.74, cx=792.27, cy=541.89, baseline=536.62
            ),
        )
        result = StereoDepth().run(cmd)
        ```
    """

    experimental: bool = False

    def run(self, command: "StereoDepthCommand") -> "StereoDepthResult":
        """Dispatch the command through the command bus to its handler.

        Args:
            command: The two images and what to make of them.

        Returns:
            Depth, disparity and what is known of them, and the Open3D objects that were asked for.

        Raises:
            Vizion3DError: One of the errors of :mod:`vizion3d.errors`, saying what was wrong.
        """
        from vizion3d.app import default_container

        return default_container().commands.dispatch(command)

    @overload
    def run_many(
        self,
        commands: "Iterable[StereoDepthCommand]",
        *,
        batch_size: "BatchSize" = ...,
        ordered: bool = ...,
        on_error: Literal["raise"] = ...,
    ) -> "Generator[StereoDepthResult, None, None]": ...

    @overload
    def run_many(
        self,
        commands: "Iterable[StereoDepthCommand]",
        *,
        batch_size: "BatchSize" = ...,
        ordered: bool = ...,
        on_error: "OnError",
    ) -> "Generator[StereoDepthResult | Exception, None, None]": ...

    def run_many(
        self,
        commands: "Iterable[StereoDepthCommand]",
        *,
        batch_size: "BatchSize" = "auto",
        ordered: bool = True,
        on_error: "OnError" = "raise",
    ) -> "Generator[StereoDepthResult | Exception, None, None]":
        """Run many commands: decoding, matching and packaging overlap, memory stays bounded.

        ``commands`` is read a few ahead of what is asked for, in a thread, so it may be endless and
        may block. Its arrays may be one buffer, filled anew for each command (a camera's): they are
        copied when they are taken. Closing the iterator calls off what is left.

        Example:
            ```python
            from pathlib import Path

            from vizion3d.stereo import StereoDepth, StereoDepthCommand

            lefts = sorted(Path("pairs").glob("*_left.png"))
            rights = sorted(Path("pairs").glob("*_right.png"))
            commands = (StereoDepthCommand(*pair) for pair in zip(lefts, rights))
            for left, result in zip(lefts, StereoDepth().run_many(commands)):
                print(left, result.min_depth, result.max_depth)
            ```

        Args:
            commands: The pairs and what to make of each.
            batch_size: Pairs of equal shape that go through a network together, at most.
            ordered: Yield in the order of the commands; otherwise as they are done.
            on_error: ``"raise"`` ends with the first pair's error; ``"yield"`` yields the error in
                the place of the pair's result and goes on.

        Yields:
            A result for each command (or, with ``on_error="yield"``, its error).

        Raises:
            Vizion3DError: The error of a pair.
            Exception: What ``commands`` raises, after the results of the commands before.
        """
        from vizion3d.app import default_container
        from vizion3d.core.cqrs import CommandBus
        from vizion3d.media.images import snapshot
        from vizion3d.runtime.many import run_batched

        return run_batched(
            default_container(),
            CommandBus.dispatch,
            (
                replace(
                    command,
                    left_image=snapshot(command.left_image),
                    right_image=snapshot(command.right_image),
                )
                for command in commands
            ),
            batch_size=batch_size,
            ordered=ordered,
            on_error=on_error,
        )
