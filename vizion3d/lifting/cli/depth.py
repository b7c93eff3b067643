"""``vizion3d depth``: photos in, depth and point cloud files out."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from vizion3d.checkpoints.commands import DownloadModelCommand
from vizion3d.cli import options as o
from vizion3d.cli.context import application_of
from vizion3d.cli.inputs import Job, find_jobs
from vizion3d.cli.interrupt import interruptible
from vizion3d.cli.log import show_log
from vizion3d.cli.report import report
from vizion3d.cli.saving import files_of, names_of, parse_formats, write
from vizion3d.core.cqrs import CommandBus
from vizion3d.errors import InvalidImageError
from vizion3d.geometry.cameras import PRESETS
from vizion3d.lifting.cli.camera import FLYING_PIXEL_THRESHOLD, CameraOptions, parse_camera
from vizion3d.lifting.commands import DepthEstimationCommand
from vizion3d.lifting.output import DepthOutput
from vizion3d.outputs.depth_files import DEFAULT_COLOR_MAP, color_table
from vizion3d.outputs.formats import FORMATS, Format, Lifted
from vizion3d.runtime.many import run_batched
from vizion3d.settings import load_settings

PANEL = "Camera and depth range"


def depth(
    context: typer.Context,
    paths: Annotated[list[str], typer.Argument(help="Images, folders, or quoted globs.")],
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("vizion3d-output"),
    model: o.Model = "default",
    save: Annotated[
        str, typer.Option(help="What to write: " + names_of(FORMATS) + ".")
    ] = "png,color,ply",
    camera: Annotated[
        str,
        typer.Option(
            help="Intrinsics: auto (EXIF, else primesense), " + ", ".join(PRESETS) + ".",
            callback=parse_camera,
            rich_help_panel=PANEL,
        ),
    ] = "auto",
    fov: Annotated[
        float | None, typer.Option(help="Horizontal field of view, degrees.", rich_help_panel=PANEL)
    ] = None,
    fx: Annotated[float | None, typer.Option(help="Pixels.", rich_help_panel=PANEL)] = None,
    fy: Annotated[float | None, typer.Option(help="Pixels.", rich_help_panel=PANEL)] = None,
    cx: Annotated[float | None, typer.Option(help="Pixels.", rich_help_panel=PANEL)] = None,
    cy: Annotated[float | None, typer.Option(help="Pixels.", rich_help_panel=PANEL)] = None,
    near: Annotated[
        float | None,
        typer.Option(help="Metres given to the closest pixel [0.5].", rich_help_panel=PANEL),
    ] = None,
    depth_trunc: Annotated[
        float | None,
        typer.Option(help="Metres at which points end [10].", rich_help_panel=PANEL),
    ] = None,
    depth_scale: Annotated[
        float | None,
        typer.Option(help="Units per metre of metric-png [1000].", rich_help_panel=PANEL),
    ] = None,
    frame: Annotated[
        Literal["opencv", "opengl"], typer.Option(help="Axes of the cloud.", rich_help_panel=PANEL)
    ] = "opencv",
    edge_threshold: Annotated[
        float,
        typer.Option(help="Relative jump that makes a flying pixel; 0 keeps all.", min=0),
    ] = FLYING_PIXEL_THRESHOLD,
    input_size: o.InputSize = None,
    color_map: o.ColorMap = DEFAULT_COLOR_MAP,
    device: o.Device = None,
    precision: o.PrecisionOption = None,
    skip_existing: Annotated[
        bool, typer.Option("--skip-existing", help="Leave out images whose results are there.")
    ] = False,
) -> None:
    """Estimate depth: a depth image, a coloured picture of it and a point cloud for each photo."""
    formats = parse_formats(save, FORMATS)
    show_log()
    # Check the options before anything is downloaded.
    color_table(color_map)
    fields = {
        "fx": fx,
        "fy": fy,
        "cx": cx,
        "cy": cy,
        "depth_near": near,
        "depth_trunc": depth_trunc,
        "depth_scale": depth_scale,
        "edge_threshold": edge_threshold or None,
        "frame": frame,
    }
    cameras = CameraOptions(camera, fov, fields)
    cameras.check()
    jobs = find_jobs(paths, out)
    if all(not job.image.exists() for job in jobs):
        raise InvalidImageError(f"there is no file {jobs[0].image}; check the path")
    if skip_existing:
        jobs = _unfinished(jobs, formats)
    container = application_of(context).build(load_settings(device=device, precision=precision))
    if jobs:  # before the progress bar of the images starts
        container.commands.dispatch(DownloadModelCommand(model))
    lift = _Lift(cameras, model, input_size, color_map, formats, container.settings.max_pixels)
    notes = run_batched(container, lift, jobs, on_error="yield")
    with interruptible(), closing(notes):
        report("depth", jobs, notes, [row.ending for row in formats])


def _unfinished(jobs: list[Job], formats: list[Format[Lifted]]) -> list[Job]:
    """The jobs of which not every file is there."""
    left = [j for j in jobs if not all(path.exists() for path in files_of(j.stem, formats))]
    done = len(jobs) - len(left)
    typer.echo(f"{done} of {len(jobs)} images have their results already", err=True)
    return left


@dataclass(frozen=True)
class _Lift:
    """Lifts one image and writes its files; returns the source of its intrinsics."""

    cameras: CameraOptions
    model: str
    input_size: int | None
    color_map: str
    formats: list[Format[Lifted]]
    max_pixels: int

    def __call__(self, commands: CommandBus, job: Job) -> str:
        config = self.cameras.config_for(job.image, self.max_pixels)
        command = DepthEstimationCommand(
            image_input=job.image,
            model_backend=self.model,
            advanced_config=config,
            input_size=self.input_size,
        )
        output = DepthOutput(commands.dispatch(command), config, self.color_map)
        write(output, job.stem, self.formats)
        return f"intrinsics: {output.intrinsics.sources['fx']}"
