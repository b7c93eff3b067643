"""``vizion3d align-colmap``: depth images in the unit of a COLMAP model."""

import json
import math
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from vizion3d.checkpoints.commands import DownloadModelCommand
from vizion3d.cli import options as o
from vizion3d.cli.context import application_of
from vizion3d.cli.inputs import Job
from vizion3d.cli.interrupt import interruptible
from vizion3d.cli.log import show_log
from vizion3d.cli.report import report
from vizion3d.core.cqrs import CommandBus
from vizion3d.core.files import write_atomic
from vizion3d.errors import InvalidConfigError, InvalidImageError
from vizion3d.geometry.alignment import Knowledge
from vizion3d.lifting.aligned import AlignDepthCommand
from vizion3d.lifting.commands import DepthEstimationCommand
from vizion3d.media.colmap import ColmapCamera, ColmapImage, read_colmap
from vizion3d.outputs.depth_files import UINT16_MAX, encode_png, metres_to_uint16
from vizion3d.runtime.many import run_batched
from vizion3d.settings import load_settings

_LEAST_POINTS = 3
_HEADROOM = 2.0
"""Depths up to so many times the farthest point of the model are stored."""


def align_colmap(
    context: typer.Context,
    colmap: Annotated[Path, typer.Argument(help="Folder of a COLMAP model, text or binary.")],
    images: Annotated[
        Path, typer.Argument(help="Folder of the photos that the model was made from.")
    ],
    out: Annotated[
        Path, typer.Option(help="Folder of the depth images and transforms.json.")
    ] = Path("vizion3d-output"),
    model: o.Model = "default",
    input_size: o.InputSize = None,
    device: o.Device = None,
    precision: o.PrecisionOption = None,
) -> None:
    """Depth of every photo of a COLMAP model in the model's unit, as nerfstudio reads it.

    Writes depths/NAME.png (16 bit; 0 is unknown) and transforms.json with cameras, poses,
    depth_file_path and depth_unit_scale_factor.
    """
    show_log()
    jobs = [_Job(image, images / image.name, out) for image in read_colmap(colmap)]
    if all(not job.image.exists() for job in jobs):
        raise InvalidImageError(
            f"there is no photo {jobs[0].image}: give the folder that the model was made of"
        )
    unit = depth_unit(jobs)
    container = application_of(context).build(load_settings(device=device, precision=precision))
    container.commands.dispatch(DownloadModelCommand(model))
    notes = run_batched(container, _Align(model, input_size, unit), jobs, on_error="yield")
    with interruptible(), closing(notes):
        try:
            report("align", [Job(job.image, job.stem) for job in jobs], notes, [".png"])
        finally:
            content = json.dumps(transforms(jobs, images, out, unit), indent=2)
            write_atomic(out / "transforms.json", content.encode() + b"\n")
    typer.echo(f"{out / 'transforms.json'}: depth_unit_scale_factor {unit:g}", err=True)


@dataclass(frozen=True)
class _Job:
    """A photo, and where its depth goes."""

    colmap: ColmapImage
    image: Path
    out: Path

    @property
    def stem(self) -> Path:
        return (self.out / "depths" / self.colmap.name).with_suffix("")

    @property
    def depth(self) -> Path:
        return self.stem.with_name(f"{self.stem.name}.png")


@dataclass(frozen=True)
class _Align:
    """Lifts one photo, aligns it and writes its depth; returns how well it fits."""

    model: str
    input_size: int | None
    unit: float

    def __call__(self, commands: CommandBus, job: _Job) -> str:
        points = job.colmap.points
        if len(points) < _LEAST_POINTS:
            raise InvalidImageError(
                f"the model has {len(points)} points in it; a fit needs {_LEAST_POINTS}"
            )
        command = DepthEstimationCommand(job.image, self.model, input_size=self.input_size)
        result = commands.dispatch(command)
        height, width = result.raw_depth.shape
        camera = job.colmap.camera
        # Photos may have been scaled down since the model was made.
        scale = np.array([width / camera.width_px, height / camera.height_px])
        pixels = (points[:, :2] + 0.5) * scale - 0.5
        inside = ((pixels > -0.5) & (pixels < (width - 0.5, height - 0.5))).all(axis=1)
        known = Knowledge(np.column_stack((pixels, points[:, 2]))[inside])
        try:
            aligned = commands.dispatch(AlignDepthCommand(result, known))
        except InvalidConfigError as error:  # of this photo; others may be fine
            raise InvalidImageError(str(error)) from error
        pixels_16 = metres_to_uint16(aligned.depth_m, 1 / self.unit)
        write_atomic(job.depth, encode_png(pixels_16))
        assert aligned.alignment is not None
        return aligned.alignment.describe()


def depth_unit(jobs: list[_Job]) -> float:
    """What one step of the depth images is, in the model's unit: a power of ten such that depths up
    to twice the farthest point fit into 16 bits."""
    depths = np.concatenate([job.colmap.points[:, 2] for job in jobs])
    if not len(depths):
        raise InvalidConfigError("no photo of the COLMAP model sees a point of it")
    # A few points far out are wrong in most models.
    farthest = float(np.percentile(depths, 99))
    return float(10.0 ** math.ceil(math.log10(_HEADROOM * farthest / UINT16_MAX)))


def transforms(jobs: list[_Job], images: Path, out: Path, unit: float) -> dict[str, Any]:
    """Cameras, poses and depth images of the photos that have one, as nerfstudio reads them."""
    return {
        "depth_unit_scale_factor": unit,
        "frames": [
            {
                "file_path": _relative(images / job.colmap.name, out),
                "depth_file_path": _relative(job.depth, out),
                "transform_matrix": _to_opengl(job.colmap).tolist(),
                **_camera_fields(job.colmap.camera),
            }
            for job in jobs
            if job.depth.exists()
        ],
    }


def _relative(path: Path, folder: Path) -> str:
    try:
        return path.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError:
        return path.resolve().as_posix()


def _to_opengl(image: ColmapImage) -> Any:
    """Camera to world, with the camera's axes x right, y up, z backward."""
    return image.camera_to_world * np.array([1, -1, -1, 1])


def _camera_fields(camera: ColmapCamera) -> dict[str, Any]:
    p = camera.parameters
    focal = {"fl_x": p.get("fx", p.get("f")), "fl_y": p.get("fy", p.get("f"))}
    distortion = {name: value for name, value in p.items() if name[0] in "kp"}
    fisheye = camera.model.endswith("FISHEYE")
    return {
        "camera_model": "OPENCV_FISHEYE" if fisheye else "OPENCV",
        "w": camera.width_px,
        "h": camera.height_px,
        **focal,
        "cx": p["cx"],
        "cy": p["cy"],
        **distortion,
    }
