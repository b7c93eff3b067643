"""The camera options of the command line."""

from pathlib import Path
from typing import Annotated, Any

import typer

from vizion3d.errors import InvalidConfigError
from vizion3d.geometry.cameras import AUTO, PRESETS
from vizion3d.geometry.frames import Frame
from vizion3d.lifting.config import DepthEstimationAdvanceConfig, configure

PANEL = "Camera and depth range"


def parse_camera(text: str) -> str:
    """``auto`` or the name of a preset; anything else is a usage error."""
    if text != AUTO and text not in PRESETS:
        raise typer.BadParameter(f"{text!r}; choose from {AUTO}, {', '.join(PRESETS)}")
    return text


Camera = Annotated[
    str,
    typer.Option(
        help="Camera that took the photo: auto (by its EXIF data, else primesense), "
        + ", ".join(PRESETS)
        + ".",
        callback=parse_camera,
        rich_help_panel=PANEL,
    ),
]
Fov = Annotated[
    float | None, typer.Option(help="Horizontal field of view, in degrees.", rich_help_panel=PANEL)
]
Calibration = Annotated[
    Path | None,
    typer.Option(
        help="Calibration file of the camera: OpenCV YAML or XML, ROS camera_info, Kalibr, or the "
        "nine numbers of its matrix. Lens distortion is undone.",
        rich_help_panel=PANEL,
    ),
]
Fx = Annotated[
    float | None, typer.Option(help="Focal length along x, in pixels.", rich_help_panel=PANEL)
]
Fy = Annotated[
    float | None, typer.Option(help="Focal length along y, in pixels.", rich_help_panel=PANEL)
]
Cx = Annotated[
    float | None,
    typer.Option(help="Column of the principal point, in pixels.", rich_help_panel=PANEL),
]
Cy = Annotated[
    float | None, typer.Option(help="Row of the principal point, in pixels.", rich_help_panel=PANEL)
]
WidthPx = Annotated[
    int | None,
    typer.Option(
        help="Width of the images that --fx, --fy, --cx and --cy are for, in pixels, if they are "
        "not of the photo's size.",
        rich_help_panel=PANEL,
    ),
]
HeightPx = Annotated[
    int | None, typer.Option(help="Height of those images, in pixels.", rich_help_panel=PANEL)
]


Near = Annotated[
    float | None,
    typer.Option(
        "--near",
        "--depth-near",
        help="Distance of the closest pixel, in metres, where the model knows no scale (0.5).",
        rich_help_panel=PANEL,
    ),
]
Far = Annotated[
    float | None,
    typer.Option(
        "--depth-trunc",
        "--far",
        help="Distance at which the point cloud ends, in metres (10, or a metric model's range).",
        rich_help_panel=PANEL,
    ),
]
Axes = Annotated[
    Frame,
    typer.Option(
        help="Axes of the cloud: opencv (x right, y down, z forward) or opengl (x right, y up, z "
        "back).",
        rich_help_panel=PANEL,
    ),
]


def camera_fields(
    camera: str, fov_deg: float | None, calibration: Path | None, **fields: Any
) -> DepthEstimationAdvanceConfig:
    """The configuration that the options ask for; a field that is ``None`` is not set.

    Args:
        camera: ``"auto"``, which is what holds if nothing is asked for, or a preset's name.
        fov_deg: Horizontal field of view, in degrees, in place of ``camera``.
        calibration: File of a calibration, in place of both.
        fields: Fields of the configuration.

    Raises:
        InvalidConfigError: A value is out of range, or two of the three are given.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    preset = None if camera == AUTO else camera
    if calibration is not None:
        if preset is not None or fov_deg is not None:
            raise InvalidConfigError("give --calibration, --camera or --fov, not two of them")
        return configure(calibration, given)
    if fov_deg is None:
        return configure(None, {"camera": camera, **given})
    return configure(None, {"camera": preset, "fov": fov_deg, **given})
