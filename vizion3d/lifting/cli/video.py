"""``vizion3d video``: a video in, a depth video out."""

import json
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from vizion3d.checkpoints.commands import DownloadModelCommand
from vizion3d.checkpoints.queries import ModelInfoQuery
from vizion3d.cli import options as o
from vizion3d.cli.context import application_of
from vizion3d.cli.interrupt import interruptible
from vizion3d.cli.log import show_log
from vizion3d.cli.saving import names_of, parse_formats, write
from vizion3d.core.arrays import UInt8Array
from vizion3d.core.cqrs import CommandBus
from vizion3d.core.files import write_atomic
from vizion3d.geometry.frames import Frame
from vizion3d.geometry.projection import FLYING_PIXEL_THRESHOLD
from vizion3d.geometry.steady import Steadier
from vizion3d.lifting.cli import camera as c
from vizion3d.lifting.commands import DepthEstimationCommand
from vizion3d.lifting.models import DepthEstimationAdvanceConfig, DepthEstimationResult
from vizion3d.lifting.output import DepthOutput
from vizion3d.lifting.steady import steadied
from vizion3d.media.video import Video
from vizion3d.outputs.depth_files import DEFAULT_COLOR_MAP
from vizion3d.outputs.depth_video import DepthVideo
from vizion3d.outputs.formats import FORMATS
from vizion3d.outputs.gray_video import GrayVideo
from vizion3d.runtime.many import run_batched
from vizion3d.settings import load_settings

_Frame = tuple[int, UInt8Array, Fraction]


def video(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="The video.")],
    out: Annotated[
        Path | None,
        typer.Option(help="File of the depth video (vizion3d-output/NAME.depth.mp4)."),
    ] = None,
    model: o.Model = "default",
    save_frames: Annotated[
        str | None,
        typer.Option(
            help="Also write each frame, into a folder beside the video: " + names_of(FORMATS)
        ),
    ] = None,
    gray16: Annotated[
        Path | None,
        typer.Option(
            help="Also write the depth as a 16-bit video (.mkv, FFV1), and beside it, as .json, "
            "what its pixels mean."
        ),
    ] = None,
    depth_range: Annotated[
        tuple[float, float] | None,
        typer.Option(
            "--range",
            help="Depth at the two ends of the colour map (the frames' own range, smoothed).",
        ),
    ] = None,
    steady: Annotated[
        bool,
        typer.Option(
            help="No flicker: one scale and shift for all frames of a shot (relative models); "
            "written to .steady.json beside the video."
        ),
    ] = True,
    camera: c.Camera = "auto",
    fov: c.Fov = None,
    calibration: c.Calibration = None,
    fx: c.Fx = None,
    fy: c.Fy = None,
    cx: c.Cx = None,
    cy: c.Cy = None,
    width_px: c.WidthPx = None,
    height_px: c.HeightPx = None,
    near: c.Near = None,
    depth_trunc: c.Far = None,
    axes: Annotated[
        Frame, typer.Option("--frame", help="Axes of the clouds: opencv or opengl.")
    ] = "opencv",
    input_size: o.InputSize = None,
    color_map: o.ColorMap = DEFAULT_COLOR_MAP,
    device: o.Device = None,
    precision: o.PrecisionOption = None,
) -> None:
    """Estimate the depth of every frame: a colour-mapped video with the sound of the original."""
    formats = parse_formats(save_frames, FORMATS) if save_frames else []
    show_log()
    config = c.camera_fields(
        camera,
        fov,
        calibration,
        fx=fx,
        fy=fy,
        cx=cx,
        cy=cy,
        width_px=width_px,
        height_px=height_px,
        depth_near=near,
        depth_trunc=depth_trunc,
        frame=axes,
        edge_threshold=FLYING_PIXEL_THRESHOLD,
    )
    out = out or Path("vizion3d-output") / f"{path.stem}.depth.mp4"
    folder = out.with_suffix("")
    with interruptible(), Video(path) as original:
        container = application_of(context).build(load_settings(device=device, precision=precision))
        container.commands.dispatch(DownloadModelCommand(model))
        max_depth_m = container.queries.dispatch(ModelInfoQuery(model)).max_depth_m
        if depth_range is None and max_depth_m is not None:
            depth_range = 0.0, max_depth_m  # metres mean the same in every frame
        steadier = Steadier() if steady and max_depth_m is None else None
        targets: list[DepthVideo | GrayVideo] = [DepthVideo(out, original, color_map, depth_range)]
        if gray16:
            targets.append(GrayVideo(gray16, original, depth_range))
        lift = _Lift(model, input_size, config)
        lifted = run_batched(container, lift, _frames(original))
        # With on_error="raise" there are no errors among them.
        lifted = cast(Generator[_Lifted, None, None], lifted)
        fits: list[dict[str, Any]] = []
        with closing(lifted), ExitStack() as opened:
            for target in targets:
                opened.enter_context(target)
            for frame in _tracked(lifted, original.frame_count):
                result = frame.result
                if steadier is not None:
                    result = steadied(result, steadier)
                    fits.append(_told(frame, result))
                output = DepthOutput(result, config, color_map)
                write(output, folder / f"{frame.number:06d}", formats)
                new_shot = result.steady is not None and result.steady.new_shot
                for target in targets:
                    target.write(result.raw_depth, frame.time_s, new_shot=new_shot)
        if steadier is not None:
            content = json.dumps({"video": path.name, "frames": fits}, indent=1)
            write_atomic(out.with_suffix(".steady.json"), content.encode() + b"\n")
    typer.echo(f"{path} -> {out}" + (f", {folder}/" if formats else ""), err=True)


def _told(frame: "_Lifted", result: DepthEstimationResult) -> dict[str, Any]:
    assert result.steady is not None
    return {"frame": frame.number, "time_s": float(frame.time_s), **asdict(result.steady)}


@dataclass(frozen=True)
class _Lifted:
    """A frame's result, and which frame it is."""

    result: DepthEstimationResult
    number: int
    time_s: Fraction


@dataclass(frozen=True)
class _Lift:
    """Lifts one frame."""

    model: str
    input_size: int | None
    config: DepthEstimationAdvanceConfig

    def __call__(self, commands: CommandBus, frame: _Frame) -> _Lifted:
        number, image, time_s = frame
        command = DepthEstimationCommand(
            image_input=image,
            model_backend=self.model,
            advanced_config=self.config,
            input_size=self.input_size,
        )
        return _Lifted(commands.dispatch(command), number, time_s)


def _frames(original: Video) -> Iterator[_Frame]:
    for number, (image, time_s) in enumerate(original.timed(), 1):
        yield number, image, time_s


def _tracked(lifted: Iterator[_Lifted], total: int | None) -> Iterator[_Lifted]:
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
        for frame in lifted:
            yield frame
            progress.advance(task)
            progress.update(task, fps=progress.tasks[0].speed or 0.0)
