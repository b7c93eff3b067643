"""``vizion3d stereo``: pairs of photos in, depth in metres and point clouds out."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from vizion3d.checkpoints.catalogue import DEFAULT_STEREO_MODEL
from vizion3d.cli import options as o
from vizion3d.cli.context import application_of
from vizion3d.cli.interrupt import interruptible
from vizion3d.cli.log import show_log
from vizion3d.cli.report import report
from vizion3d.cli.saving import names_of, parse_formats, require_points, write
from vizion3d.core.cqrs import CommandBus
from vizion3d.geometry.projection import FLYING_PIXEL_THRESHOLD
from vizion3d.outputs.depth_files import DEFAULT_COLOR_MAP, color_table
from vizion3d.outputs.formats import Format, Lifted
from vizion3d.runtime.many import run_batched
from vizion3d.settings import load_settings
from vizion3d.stereo.cli import cameras as c
from vizion3d.stereo.cli.pairs import PairJob, find_pairs
from vizion3d.stereo.commands import StereoDepthCommand
from vizion3d.stereo.config import StereoDepthAdvancedConfig
from vizion3d.stereo.output import FORMATS, StereoOutput

VIDEO_ENDINGS = {".mp4", ".mov", ".mkv", ".avi", ".webm", ".m4v"}


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
    calibration: c.Calibration = None,
    unit: c.Unit = None,
    focal_px: c.FocalPx = None,
    baseline_mm: c.BaselineMm = None,
    cx: c.Cx = None,
    cy: c.Cy = None,
    doffs: c.Doffs = None,
    z_far: c.Far = None,
    min_depth: c.Near = None,
    conf_threshold: c.ConfThreshold = None,
    rectify: c.RectifyOption = "calibration",
    fill: c.Fill = False,
    frame: c.Axes = "opengl",
    edge_threshold: c.EdgeThreshold = FLYING_PIXEL_THRESHOLD,
    scale_factor: c.ScaleFactor = None,
    max_points: o.MaxPoints = None,
    voxel: o.Voxel = None,
    color_map: o.ColorMap = DEFAULT_COLOR_MAP,
    device: o.Device = None,
    precision: o.PrecisionOption = None,
) -> None:
    """Measure depth from two photos: metres, a picture of them and a point cloud for each pair."""
    formats = parse_formats(save, FORMATS)
    show_log()
    # What is wrong with the options is told before any work is done.
    color_table(color_map)
    config = c.configure(
        calibration,
        unit,
        focal_length=focal_px,
        baseline=baseline_mm,
        cx=cx,
        cy=cy,
        doffs=doffs,
        z_far=z_far,
        min_depth_m=min_depth,
        conf_threshold=conf_threshold,
        edge_threshold=edge_threshold or None,
        max_points=max_points,
        voxel=voxel,
        scale_factor=scale_factor,
        rectify=rectify,
        fill=fill,
        frame=frame,
    )
    if side_by_side and Path(side_by_side).suffix.lower() in VIDEO_ENDINGS:
        from vizion3d.stereo.cli.video import side_by_side_video

        container = application_of(context).build(load_settings(device=device, precision=precision))
        side_by_side_video(container, Path(side_by_side), out, model, config, color_map)
        return
    jobs = list(find_pairs(photos or [], pairs, side_by_side, out))
    container = application_of(context).build(load_settings(device=device, precision=precision))
    measure = _Measure(config, model, color_map, formats, container.settings.max_pixels)
    notes = run_batched(container, measure, jobs, on_error="yield")
    with interruptible(), closing(notes):
        report("stereo", jobs, notes, [row.ending for row in formats])


@dataclass(frozen=True)
class _Measure:
    """Measures one pair and writes its files; tells the range and what the metres rest on."""

    config: StereoDepthAdvancedConfig
    model: str
    color_map: str
    formats: list[Format[Lifted]]
    max_pixels: int

    def __call__(self, commands: CommandBus, job: PairJob) -> str:
        left, right = job.load(self.max_pixels)
        command = StereoDepthCommand(
            left, right, self.model, return_depth_image=False, advanced_config=self.config
        )
        result = commands.dispatch(command)
        height, width = result.depth_m.shape
        output = StereoOutput(result, self.config.for_size(width, height), self.color_map)
        write(output, job.stem, self.formats)
        require_points(output, self.formats, output.why_cut())
        return "; ".join([f"{result.min_depth:.2f} to {result.max_depth:.2f} m", *result.notes])
