"""``vizion3d stereo``: pairs of photos in, depth in metres and point clouds out."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from vizion3d.checkpoints.catalogue import DEFAULT_STEREO_MODEL
from vizion3d.cli import options as o
from vizion3d.cli.context import application_of
from vizion3d.cli.inputs import Job, find_jobs
from vizion3d.cli.interrupt import interruptible
from vizion3d.cli.log import show_log
from vizion3d.cli.report import report
from vizion3d.cli.saving import names_of, parse_formats, require_points, write
from vizion3d.core.cqrs import CommandBus
from vizion3d.errors import InvalidImageError
from vizion3d.geometry.projection import FLYING_PIXEL_THRESHOLD
from vizion3d.media import images
from vizion3d.outputs.depth_files import DEFAULT_COLOR_MAP, color_table
from vizion3d.runtime.many import run_batched
from vizion3d.settings import load_settings
from vizion3d.stereo.commands import StereoDepthCommand
from vizion3d.stereo.config import Rectify, StereoDepthAdvancedConfig
from vizion3d.stereo.halves import split
from vizion3d.stereo.output import FORMATS, StereoOutput

PANEL = "Cameras and matching"
VIDEO_ENDINGS = {".mp4", ".mov", ".mkv", ".avi", ".webm", ".m4v"}


@dataclass(frozen=True)
class PairJob(Job):
    """A pair, and where its results go.

    Attributes:
        right: The right photo; ``None``: ``image`` holds both.
    """

    right: Path | None = None

    def load(self, max_pixels: int) -> tuple[images.ImageInput, images.ImageInput]:
        """What a command takes for the two images."""
        if self.right is not None:
            return self.image, self.right
        return split(images.decode(self.image, 2 * max_pixels), str(self.image))


def stereo(
    context: typer.Context,
    photos: Annotated[
        list[str] | None, typer.Argument(metavar="[LEFT RIGHT]", help="The two photos.")
    ] = None,
    pairs: Annotated[
        tuple[str, str] | None,
        typer.Option(help="Many pairs: folders or quoted globs of left and right photos."),
    ] = None,
    side_by_side: Annotated[
        str | None,
        typer.Option(help="A photo, folder, quoted glob or video that holds both views."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("vizion3d-output"),
    model: Annotated[
        str, typer.Option(help="sgbm, or name, URL or path of a stereo network's checkpoint.")
    ] = DEFAULT_STEREO_MODEL,
    save: Annotated[
        str, typer.Option(help="What to write: " + names_of(FORMATS) + ".")
    ] = "png,color,ply",
    calibration: Annotated[
        list[Path] | None,
        typer.Option(
            help="Calibration of the pair: Middlebury, OpenCV, Kalibr, or K and baseline; twice "
            "for the left and right camera's ROS camera_info.",
            rich_help_panel=PANEL,
        ),
    ] = None,
    unit: Annotated[
        Literal["mm", "cm", "m"] | None,
        typer.Option(help="Unit of the calibration's lengths.", rich_help_panel=PANEL),
    ] = None,
    focal_px: Annotated[
        float | None, typer.Option(help="Focal length, pixels.", rich_help_panel=PANEL)
    ] = None,
    baseline_mm: Annotated[
        float | None,
        typer.Option(help="Distance between the cameras, millimetres.", rich_help_panel=PANEL),
    ] = None,
    cx: Annotated[float | None, typer.Option(help="Pixels.", rich_help_panel=PANEL)] = None,
    cy: Annotated[float | None, typer.Option(help="Pixels.", rich_help_panel=PANEL)] = None,
    doffs: Annotated[
        float | None,
        typer.Option(
            help="Right principal point's column less the left one's, pixels.",
            rich_help_panel=PANEL,
        ),
    ] = None,
    z_far: Annotated[
        float | None,
        typer.Option(help="Metres at which points end [50].", rich_help_panel=PANEL),
    ] = None,
    min_depth: Annotated[
        float | None,
        typer.Option(help="Metres of the closest thing.", rich_help_panel=PANEL),
    ] = None,
    conf_threshold: Annotated[
        float | None,
        typer.Option(help="Least confidence of a point [0.1].", rich_help_panel=PANEL),
    ] = None,
    rectify: Annotated[
        Rectify,
        typer.Option(
            help="calibration: by the calibration; auto: by the photos' content; off: they are.",
            rich_help_panel=PANEL,
        ),
    ] = "calibration",
    fill: Annotated[
        bool, typer.Option("--fill", help="A depth for pixels without a match as well.")
    ] = False,
    frame: Annotated[
        Literal["opencv", "opengl"], typer.Option(help="Axes of the cloud.", rich_help_panel=PANEL)
    ] = "opengl",
    edge_threshold: Annotated[
        float, typer.Option(help="Relative jump that makes a flying pixel; 0 keeps all.", min=0)
    ] = FLYING_PIXEL_THRESHOLD,
    scale_factor: Annotated[
        float | None,
        typer.Option(help="Size at which the photos are matched, up to 1.", rich_help_panel=PANEL),
    ] = None,
    max_points: o.MaxPoints = None,
    voxel: o.Voxel = None,
    color_map: o.ColorMap = DEFAULT_COLOR_MAP,
    device: o.Device = None,
    precision: o.PrecisionOption = None,
) -> None:
    """Measure depth from two photos: metres, a picture of them and a point cloud for each pair."""
    formats = parse_formats(save, FORMATS)
    given: dict[str, Any] = {
        "focal_length": focal_px,
        "baseline": baseline_mm,
        "cx": cx,
        "cy": cy,
        "doffs": doffs,
        "z_far": z_far,
        "min_depth_m": min_depth,
        "conf_threshold": conf_threshold,
        "edge_threshold": edge_threshold or None,
        "max_points": max_points,
        "voxel": voxel,
        "scale_factor": scale_factor,
    }
    fields = {name: value for name, value in given.items() if value is not None}
    fields |= {"rectify": rectify, "fill": fill, "frame": frame}
    show_log()
    # What is wrong with the options is told before any work is done.
    color_table(color_map)
    config = _configure(calibration or [], unit, fields)
    if side_by_side and Path(side_by_side).suffix.lower() in VIDEO_ENDINGS:
        from vizion3d.stereo.video import side_by_side_video

        container = application_of(context).build(load_settings(device=device, precision=precision))
        side_by_side_video(container, Path(side_by_side), out, model, config, color_map)
        return
    jobs = list(_jobs(photos or [], pairs, side_by_side, out))
    container = application_of(context).build(load_settings(device=device, precision=precision))

    def process(commands: CommandBus, job: PairJob) -> str:
        left, right = job.load(container.settings.max_pixels)
        command = StereoDepthCommand(
            left, right, model, return_depth_image=False, advanced_config=config
        )
        result = commands.dispatch(command)
        height, width = result.depth_m.shape
        output = StereoOutput(result, config.for_size(width, height), color_map)
        write(output, job.stem, formats)
        require_points(output, formats, output.why_cut())
        told = [f"{result.min_depth:.2f} to {result.max_depth:.2f} m", *result.notes]
        return "; ".join(told)

    notes = run_batched(container, process, jobs, on_error="yield")
    with interruptible(), closing(notes):
        report("stereo", jobs, notes, [row.ending for row in formats])


def _configure(
    calibration: list[Path], unit: str | None, fields: dict[str, Any]
) -> StereoDepthAdvancedConfig:
    if len(calibration) > 2:
        raise typer.BadParameter("--calibration is given once, or twice for two ROS camera_info")
    if not calibration:
        return StereoDepthAdvancedConfig(**fields)
    return StereoDepthAdvancedConfig.from_calibration(
        calibration[0], calibration[1] if len(calibration) == 2 else None, unit, **fields
    )


def _jobs(
    photos: list[str], pairs: tuple[str, str] | None, side_by_side: str | None, out: Path
) -> Iterator[PairJob]:
    if sum((bool(photos), pairs is not None, side_by_side is not None)) != 1:
        raise typer.BadParameter("give LEFT and RIGHT, or --pairs, or --side-by-side")
    if side_by_side is not None:
        yield from (PairJob(job.image, job.stem) for job in find_jobs([side_by_side], out))
        return
    if pairs is None:
        if len(photos) != 2:
            raise typer.BadParameter(f"two photos are needed, LEFT and RIGHT; got {len(photos)}")
        pairs = photos[0], photos[1]
    lefts, rights = (find_jobs([side], out) for side in pairs)
    if len(lefts) != len(rights):
        raise InvalidImageError(
            f"{pairs[0]} means {len(lefts)} photos and {pairs[1]} {len(rights)}; there must be as "
            "many right photos as left ones"
        )
    for left, right in zip(lefts, rights, strict=True):
        for photo in (left.image, right.image):
            if not photo.exists():
                raise InvalidImageError(f"there is no file {photo}; check the path")
        yield PairJob(left.image, left.stem, right.image)


"""``vizion3d stereo``."""
