"""A video that holds both views beside one another -> a video of its disparity."""

from collections.abc import Generator, Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import cast

import typer

from vizion3d.cli.interrupt import interruptible
from vizion3d.container import Container
from vizion3d.core.arrays import Float32Array, UInt8Array
from vizion3d.core.cqrs import CommandBus
from vizion3d.media.video import Video
from vizion3d.outputs.depth_video import DepthVideo
from vizion3d.runtime.many import run_batched
from vizion3d.stereo.commands import StereoDepthCommand
from vizion3d.stereo.halves import split
from vizion3d.stereo.models import StereoDepthAdvancedConfig

_Frame = tuple[UInt8Array, Fraction]


def side_by_side_video(
    container: Container,
    path: Path,
    out: Path,
    model: str,
    config: StereoDepthAdvancedConfig,
    color_map: str,
) -> None:
    """Write ``out/NAME.disparity.mp4``: the disparity of each frame, holes filled."""
    target_path = out / f"{path.stem}.disparity.mp4"
    filled = config.model_copy(update={"fill": True})
    filled._calibration = config.calibration
    with interruptible(), Video(path) as original:
        target = DepthVideo(target_path, original, color_map)

        def process(commands: CommandBus, frame: _Frame) -> tuple[Float32Array, Fraction]:
            left, right = split(frame[0], str(path))
            command = StereoDepthCommand(
                left, right, model, return_depth_image=False, advanced_config=filled
            )
            return commands.dispatch(command).disparity, frame[1]

        maps = run_batched(container, process, _frames(original))
        # With on_error="raise" there are no errors among them.
        maps = cast(Generator[tuple[Float32Array, Fraction], None, None], maps)
        with closing(maps), target:
            for disparity, time_s in maps:
                target.write(disparity, time_s)
    typer.echo(f"{path} -> {target_path}", err=True)


def _frames(original: Video) -> Iterator[_Frame]:
    yield from original.timed()
