"""``vizion3d video``: a video in, a depth video out."""

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated, cast

import typer

from vizion3d.checkpoints.commands import DownloadModelCommand
from vizion3d.cli import options as o
from vizion3d.cli.context import application_of
from vizion3d.cli.interrupt import interruptible
from vizion3d.cli.log import show_log
from vizion3d.cli.saving import names_of, parse_formats, write
from vizion3d.core.arrays import Float32Array, UInt8Array
from vizion3d.core.cqrs import CommandBus
from vizion3d.lifting.cli.camera import FLYING_PIXEL_THRESHOLD
from vizion3d.lifting.commands import DepthEstimationCommand
from vizion3d.lifting.models import DepthEstimationAdvanceConfig
from vizion3d.lifting.output import DepthOutput
from vizion3d.media.video import Video
from vizion3d.outputs.depth_files import DEFAULT_COLOR_MAP
from vizion3d.outputs.depth_video import DepthVideo
from vizion3d.outputs.formats import FORMATS, Format, Lifted
from vizion3d.runtime.many import run_batched
from vizion3d.settings import load_settings

_Frame = tuple[int, UInt8Array, Fraction]
_Depth = tuple[Float32Array, Fraction]


def video(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="The video.")],
    out: Annotated[
        Path | None,
        typer.Option(help="The depth video (vizion3d-output/NAME.depth.mp4)."),
    ] = None,
    model: o.Model = "default",
    save_frames: Annotated[
        str | None,
        typer.Option(
            help="Also write each frame, into a folder beside the video: " + names_of(FORMATS)
        ),
    ] = None,
    depth_range: Annotated[
        tuple[float, float] | None,
        typer.Option(
            "--range", help="Depth at the two ends of the colour map (the frames', evened out)."
        ),
    ] = None,
    fov: Annotated[
        float | None, typer.Option(help="Horizontal field of view of the camera, degrees.")
    ] = None,
    input_size: o.InputSize = None,
    color_map: o.ColorMap = DEFAULT_COLOR_MAP,
    device: o.Device = None,
    precision: o.PrecisionOption = None,
) -> None:
    """Estimate the depth of every frame: a colour-mapped video with the sound of the original."""
    formats = parse_formats(save_frames, FORMATS) if save_frames else []
    show_log()
    out = out or Path("vizion3d-output") / f"{path.stem}.depth.mp4"
    folder = out.with_suffix("")
    with interruptible(), Video(path) as original:
        target = DepthVideo(out, original, color_map, depth_range)
        container = application_of(context).build(load_settings(device=device, precision=precision))
        container.commands.dispatch(DownloadModelCommand(model))
        config = DepthEstimationAdvanceConfig(fov=fov, edge_threshold=FLYING_PIXEL_THRESHOLD)
        lift = _Lift(model, input_size, config, color_map, formats, folder)
        depths = run_batched(container, lift, _frames(original))
        # With on_error="raise" there are no errors among them.
        depths = cast(Generator[_Depth, None, None], depths)
        with closing(depths), target:
            for depth, time_s in _tracked(depths, original.frame_count):
                target.write(depth, time_s)
    typer.echo(f"{path} -> {out}" + (f", {folder}/" if formats else ""), err=True)


@dataclass(frozen=True)
class _Lift:
    """Lifts one frame, and writes its files where some are asked for."""

    model: str
    input_size: int | None
    config: DepthEstimationAdvanceConfig
    color_map: str
    formats: list[Format[Lifted]]
    folder: Path

    def __call__(self, commands: CommandBus, frame: _Frame) -> _Depth:
        number, image, time_s = frame
        command = DepthEstimationCommand(
            image_input=image,
            model_backend=self.model,
            advanced_config=self.config,
            input_size=self.input_size,
        )
        result = commands.dispatch(command)
        output = DepthOutput(result, self.config, self.color_map)
        write(output, self.folder / f"{number:06d}", self.formats)
        return result.raw_depth, time_s


def _frames(original: Video) -> Iterator[_Frame]:
    for number, (image, time_s) in enumerate(original.timed(), 1):
        yield number, image, time_s


def _tracked(depths: Iterator[_Depth], total: int | None) -> Iterator[_Depth]:
    """Show how many frames are done, how fast, and how long the rest will take."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    columns = (
        TextColumn("frames"),
        MofNCompleteColumn(),
        BarColumn(),
        TextColumn("{task.fields[fps]:.1f} frames/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("frames", total=total, fps=0.0)
        for depth in depths:
            yield depth
            progress.advance(task)
            progress.update(task, fps=progress.tasks[0].speed or 0.0)
