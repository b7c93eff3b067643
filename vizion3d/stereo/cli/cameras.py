"""The options of the command line that say how the two cameras stand and what is a match."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from vizion3d.stereo.config import Rectify, StereoDepthAdvancedConfig

PANEL = "Cameras and matching"

Calibration = Annotated[
    list[Path] | None,
    typer.Option(
        help="Calibration of the pair: Middlebury, OpenCV, Kalibr, or K and baseline; twice "
        "for the left and right camera's ROS camera_info.",
        rich_help_panel=PANEL,
    ),
]
Unit = Annotated[
    Literal["mm", "cm", "m"] | None,
    typer.Option(help="Unit of the calibration's lengths.", rich_help_panel=PANEL),
]
FocalPx = Annotated[
    float | None, typer.Option(help="Focal length, in pixels.", rich_help_panel=PANEL)
]
BaselineMm = Annotated[
    float | None,
    typer.Option(help="Distance between the two cameras, in millimetres.", rich_help_panel=PANEL),
]
Cx = Annotated[
    float | None,
    typer.Option(
        help="Column of the left camera's principal point, in pixels.", rich_help_panel=PANEL
    ),
]
Cy = Annotated[
    float | None,
    typer.Option(help="Row of the principal point, in pixels.", rich_help_panel=PANEL),
]
Doffs = Annotated[
    float | None,
    typer.Option(
        help="Column of the right principal point minus that of the left one, in pixels (0).",
        rich_help_panel=PANEL,
    ),
]
Far = Annotated[
    float | None,
    typer.Option(
        help="Distance at which the point cloud ends, in metres (50).", rich_help_panel=PANEL
    ),
]
Near = Annotated[
    float | None,
    typer.Option(
        help="Distance of the closest thing to look for, in metres (seen from the photos).",
        rich_help_panel=PANEL,
    ),
]
ConfThreshold = Annotated[
    float | None,
    typer.Option(help="Least confidence of a point, 0 to 1 (0.1).", rich_help_panel=PANEL),
]
RectifyOption = Annotated[
    Rectify,
    typer.Option(
        help="Bring matching pixels into one row. calibration: by the calibration; auto: by "
        "what the photos show; off: the photos are rectified already.",
        rich_help_panel=PANEL,
    ),
]
Fill = Annotated[
    bool,
    typer.Option(
        "--fill", help="Also give pixels without a match a depth, from those around them."
    ),
]
Axes = Annotated[
    Literal["opencv", "opengl"],
    typer.Option(help="Axes of the cloud: opencv or opengl.", rich_help_panel=PANEL),
]
EdgeThreshold = Annotated[
    float,
    typer.Option(
        help="Leave out points where depth jumps by more than this share of itself; 0 keeps all.",
        min=0,
    ),
]
ScaleFactor = Annotated[
    float | None,
    typer.Option(
        help="Size at which the photos are matched, as a share of theirs, up to 1.",
        rich_help_panel=PANEL,
    ),
]


def configure(
    calibration: list[Path] | None, unit: str | None, **fields: Any
) -> StereoDepthAdvancedConfig:
    """The configuration that the options say.

    Args:
        calibration: One file, or the left and the right camera's.
        unit: Of its lengths.
        fields: Of the configuration; those that are ``None`` are left out.

    Raises:
        typer.BadParameter: There are more than two calibration files.
        InvalidConfigError: A file cannot be read or does not tell the pair, or a value is out of
            range.
    """
    files = calibration or []
    given = {name: value for name, value in fields.items() if value is not None}
    if len(files) > 2:
        raise typer.BadParameter("--calibration is given once, or twice for two ROS camera_info")
    if not files:
        return StereoDepthAdvancedConfig(**given)
    return StereoDepthAdvancedConfig.from_calibration(
        files[0], files[1] if len(files) == 2 else None, unit, **given
    )
