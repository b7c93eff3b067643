"""``vizion3d depth``: photos in, depth and point cloud files out."""

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from vizion3d.checkpoints.commands import DownloadModelCommand
from vizion3d.cli import options as o
from vizion3d.cli.context import application_of
from vizion3d.cli.inputs import Job, find_jobs
from vizion3d.cli.interrupt import interruptible
from vizion3d.cli.log import show_log
from vizion3d.container import Container
from vizion3d.core.cqrs import CommandBus
from vizion3d.core.files import write_atomic
from vizion3d.errors import InferenceError, InvalidImageError
from vizion3d.geometry.cameras import PRESETS, focal_from_fov
from vizion3d.lifting.cli.formats import ENCODERS, Output, SaveFormat, parse_formats
from vizion3d.lifting.commands import DepthEstimationCommand
from vizion3d.lifting.models import DepthEstimationAdvanceConfig
from vizion3d.media import images
from vizion3d.outputs.depth_files import DEFAULT_COLOR_MAP, color_table
from vizion3d.runtime.many import run_batched
from vizion3d.settings import load_settings

FLYING_PIXEL_THRESHOLD = 0.04


def parse_camera(text: str) -> str:
    """``auto`` or the name of a preset; anything else is a usage error."""
    if text != "auto" and text not in PRESETS:
        raise typer.BadParameter(f"{text!r}; choose from auto, {', '.join(PRESETS)}")
    return text


def configure(
    image: Path, camera: str, fov_deg: float | None, fields: dict[str, Any], max_pixels: int
) -> DepthEstimationAdvanceConfig:
    """The configuration for one image: what is given, else the field of view, else the camera.

    ``auto`` takes the EXIF focal length where there is one, and PrimeSense's otherwise.
    """
    config = DepthEstimationAdvanceConfig
    header = images.read_header(image, max_pixels)
    size = header.width_px, header.height_px
    if fov_deg is not None:
        return config.from_fov(fov_deg, *size, **fields)
    if camera != "auto":
        return config.preset(camera, *size, **fields)
    if header.exif_focal_px is None:
        return config(**fields)
    return config.from_exif(image, max_pixels, **fields)


PANEL = "Camera and depth range"


def depth(
    context: typer.Context,
    paths: Annotated[list[str], typer.Argument(help="Images, folders, or quoted globs.")],
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("vizion3d-output"),
    model: o.Model = "default",
    save: Annotated[
        str, typer.Option(help="What to write: " + ",".join(SaveFormat) + ".")
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
    formats = parse_formats(save)
    given = {
        "fx": fx,
        "fy": fy,
        "cx": cx,
        "cy": cy,
        "depth_near": near,
        "depth_trunc": depth_trunc,
        "depth_scale": depth_scale,
        "edge_threshold": edge_threshold or None,
    }
    fields = {name: value for name, value in given.items() if value is not None} | {"frame": frame}
    show_log()
    # What is wrong with the options is told before anything is downloaded.
    color_table(color_map)
    DepthEstimationAdvanceConfig(**fields)
    if fov is not None:
        focal_from_fov(fov, 1)
    jobs = find_jobs(paths, out)
    if all(not job.image.exists() for job in jobs):
        raise InvalidImageError(f"there is no file {jobs[0].image}; check the path")
    container = application_of(context).build(load_settings(device=device, precision=precision))

    def process(commands: CommandBus, job: Job) -> str:
        config = configure(job.image, camera, fov, fields, container.settings.max_pixels)
        command = DepthEstimationCommand(
            image_input=job.image,
            model_backend=model,
            advanced_config=config,
            input_size=input_size,
        )
        result = commands.dispatch(command)
        output = Output(result, config, color_map)
        for format_ in formats:
            suffix, encode = ENCODERS[format_]
            write_atomic(Path(f"{job.stem}{suffix}"), encode(output))
        return f"intrinsics: {output.intrinsics.sources['fx']}"

    endings = [ENCODERS[format_][0] for format_ in formats]
    if skip_existing:
        found = len(jobs)
        jobs = [j for j in jobs if not all(Path(f"{j.stem}{e}").exists() for e in endings)]
        typer.echo(f"{found - len(jobs)} of {found} images have their results already", err=True)
    _warm(container, model, jobs)
    notes = run_batched(container, process, jobs, on_error="yield")
    with interruptible(), closing(notes):
        _report(jobs, notes, f"{{{','.join(endings)}}}")


def _warm(container: Container, model: str, jobs: list[Job]) -> None:
    """Fetch the model before the progress bar of the images starts."""
    if jobs:
        container.commands.dispatch(DownloadModelCommand(model))


def _report(jobs: list[Job], notes: Iterable[str | Exception], endings: str) -> None:
    """Tell of every job as it is done; those that failed at the end, with exit code 1."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    failed: list[tuple[Job, Exception]] = []
    bar = track(
        zip(jobs, notes, strict=True),
        total=len(jobs),
        description="depth",
        console=console,
        disable=len(jobs) < 2 or not console.is_terminal,
    )
    for job, note in bar:
        # Anything else (a checkpoint, an option) would fail every other image too.
        if isinstance(note, InvalidImageError | InferenceError | OSError):
            failed.append((job, note))
        elif isinstance(note, Exception):
            raise note
        else:
            console.print(
                f"{job.image} -> {job.stem}{endings} ({note})", markup=False, soft_wrap=True
            )
    for job, reason in failed:
        typer.echo(f"failed: {job.image}: {reason}", err=True)
    if failed:
        typer.echo(f"{len(failed)} of {len(jobs)} images failed", err=True)
        raise typer.Exit(1)
