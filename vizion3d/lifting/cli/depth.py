"""``vizion3d depth``: photos in, depth and point cloud files out."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from vizion3d.checkpoints.commands import DownloadModelCommand
from vizion3d.cli import options as o
from vizion3d.cli.context import application_of
from vizion3d.cli.inputs import Job, find_jobs, standard_input
from vizion3d.cli.interrupt import interruptible
from vizion3d.cli.log import show_log
from vizion3d.cli.report import report
from vizion3d.cli.saving import files_of, names_of, parse_formats, require_points, write
from vizion3d.core.cqrs import CommandBus
from vizion3d.errors import InvalidConfigError, InvalidImageError
from vizion3d.geometry.projection import FLYING_PIXEL_THRESHOLD
from vizion3d.lifting.cli import camera as c
from vizion3d.lifting.cli.known import KnownOptions
from vizion3d.lifting.commands import DepthEstimationCommand
from vizion3d.lifting.models import DepthEstimationAdvanceConfig
from vizion3d.lifting.output import DepthOutput
from vizion3d.outputs.depth_files import DEFAULT_COLOR_MAP, color_table
from vizion3d.outputs.formats import FORMATS, Format, Lifted
from vizion3d.runtime.many import run_batched
from vizion3d.settings import load_settings

KNOWN_PANEL = "Metres, from what is known of the scene"


def depth(
    context: typer.Context,
    paths: Annotated[
        list[str], typer.Argument(help="Images, folders, or quoted globs; - reads standard input.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("vizion3d-output"),
    model: o.Model = "default",
    save: Annotated[
        str, typer.Option(help="What to write: " + names_of(FORMATS) + ".")
    ] = "png,color,ply",
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
    depth_scale: Annotated[
        float | None,
        typer.Option(
            help="Units per metre of metric-png (1000: millimetres).", rich_help_panel=c.PANEL
        ),
    ] = None,
    frame: c.Axes = "opencv",
    known: Annotated[
        list[str],
        typer.Option(
            "--known",
            metavar="U,V,METRES",
            help="The known depth of a pixel: column, row, metres; repeatable.",
            rich_help_panel=KNOWN_PANEL,
        ),
    ] = [],  # noqa: B006 (typer copies it)
    distance: Annotated[
        list[str],
        typer.Option(
            "--distance",
            metavar="U1,V1,U2,V2,METRES",
            help="The known distance between what two pixels show: column, row, column, row, "
            "metres; repeatable.",
            rich_help_panel=KNOWN_PANEL,
        ),
    ] = [],  # noqa: B006
    plane: Annotated[
        list[str],
        typer.Option(
            "--plane",
            metavar="U1,V1,U2,V2,METRES",
            help="Two opposite corners of a flat part of the photo, and the camera's distance "
            "from its plane, in metres; repeatable.",
            rich_help_panel=KNOWN_PANEL,
        ),
    ] = [],  # noqa: B006
    sparse: Annotated[
        Path | None,
        typer.Option(
            help="Measured depth: an image (16-bit PNG, TIFF, NPY) of the photo's size, or a "
            "folder of them.",
            rich_help_panel=KNOWN_PANEL,
        ),
    ] = None,
    camera_height: Annotated[
        float | None,
        typer.Option(
            help="Height of the camera above the ground that it sees, in metres.",
            rich_help_panel=KNOWN_PANEL,
        ),
    ] = None,
    camera_pitch: Annotated[
        float | None,
        typer.Option(
            help="How far the camera looks up, in degrees (negative: down).",
            rich_help_panel=KNOWN_PANEL,
        ),
    ] = None,
    edge_threshold: Annotated[
        float,
        typer.Option(
            help="Leave out points where depth jumps by more than this share of itself; 0 keeps "
            "all.",
            min=0,
        ),
    ] = FLYING_PIXEL_THRESHOLD,
    input_size: o.InputSize = None,
    max_points: o.MaxPoints = None,
    voxel: o.Voxel = None,
    color_map: o.ColorMap = DEFAULT_COLOR_MAP,
    device: o.Device = None,
    precision: o.PrecisionOption = None,
    skip_existing: Annotated[
        bool,
        typer.Option(
            "--skip-existing", help="Leave out photos whose results are in the folder already."
        ),
    ] = False,
) -> None:
    """Estimate depth: a depth image, a coloured picture of it and a point cloud for each photo."""
    formats = parse_formats(save, FORMATS)
    show_log()
    # Check the options before anything is downloaded.
    color_table(color_map)
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
        depth_scale=depth_scale,
        edge_threshold=edge_threshold or None,
        frame=frame,
        max_points=max_points,
        voxel=voxel,
    )
    knowns = KnownOptions(
        known, distance, plane, sparse, camera_height, camera_pitch, config.depth_scale
    )
    knowns.check()
    with standard_input(paths) as named:
        jobs = find_jobs(named, out)
        if all(not job.image.exists() for job in jobs):
            raise InvalidImageError(f"there is no file {jobs[0].image}; check the path")
        if skip_existing:
            jobs = _unfinished(jobs, formats)
        container = application_of(context).build(load_settings(device=device, precision=precision))
        if jobs:  # before the progress bar of the images starts
            container.commands.dispatch(DownloadModelCommand(model))
        lift = _Lift(
            config, knowns, model, input_size, color_map, formats, container.settings.max_pixels
        )
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
    """Lifts one image and writes its files; tells of its intrinsics and of the fit to metres."""

    config: DepthEstimationAdvanceConfig
    knowns: KnownOptions
    model: str
    input_size: int | None
    color_map: str
    formats: list[Format[Lifted]]
    max_pixels: int

    def __call__(self, commands: CommandBus, job: Job) -> str:
        command = DepthEstimationCommand(
            image_input=job.image,
            model_backend=self.model,
            advanced_config=self.config,
            input_size=self.input_size,
            knowledge=self.knowns.knowledge_for(job.image, self.max_pixels),
        )
        try:
            result = commands.dispatch(command)
        except InvalidConfigError as error:
            if command.knowledge is None:
                raise
            # What is known does not fit this photo; it may fit others.
            raise InvalidImageError(str(error)) from error
        output = DepthOutput(result, self.config, self.color_map)
        write(output, job.stem, self.formats)
        require_points(output, self.formats, output.why_cut())
        note = f"intrinsics: {output.intrinsics.sources['fx']}"
        if (fit := result.alignment) is not None:
            note += f"; {fit.describe()}"
        return note
