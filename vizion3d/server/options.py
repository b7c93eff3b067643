"""The command line of both servers."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from vizion3d.errors import Vizion3DError
from vizion3d.server.log import set_up_log
from vizion3d.server.settings import LogLevel, ServerSettings
from vizion3d.settings import Precision

FEATURES, LIMITS, SECURITY = "Features and models", "Limits", "Security"

DepthModel = Annotated[
    str | None,
    typer.Option(
        "--depth_model",
        "--depth-model",
        help="Checkpoint to load at the start: a path, a name or a URL. Selects depth estimation. "
        "Without it the release checkpoint is downloaded on the first request.",
        rich_help_panel=FEATURES,
    ),
]
DepthEstimation = Annotated[
    bool,
    typer.Option(
        "--depth_estimation",
        "--depth-estimation",
        help="Serve depth estimation; so does naming no feature.",
        rich_help_panel=FEATURES,
    ),
]
StereoModel = Annotated[
    str | None,
    typer.Option(
        "--stereo_model", "--stereo-model", help="Not built yet.", rich_help_panel=FEATURES
    ),
]
StereoDepth = Annotated[
    bool,
    typer.Option(
        "--stereo_depth", "--stereo-depth", help="Not built yet.", rich_help_panel=FEATURES
    ),
]
AllowModel = Annotated[
    list[str] | None,
    typer.Option(
        help="Another checkpoint that requests may name, exactly as written here; repeatable.",
        rich_help_panel=FEATURES,
    ),
]
Device = Annotated[
    str | None,
    typer.Option(help="auto, cpu, cuda, cuda:1 or mps.", rich_help_panel=FEATURES),
]
PrecisionOption = Annotated[
    Precision | None,
    typer.Option(
        "--precision", help="Arithmetic of the network; int8 on CPUs.", rich_help_panel=FEATURES
    ),
]
Host = Annotated[
    str, typer.Option(help="Address to listen on; 0.0.0.0 is every one.", envvar="VIZION3D_HOST")
]
Level = Annotated[LogLevel, typer.Option(help="Of the log on standard error.")]
MaxBodyBytes = Annotated[
    int, typer.Option(help="Largest request body.", rich_help_panel=LIMITS, min=1)
]
MaxPixels = Annotated[int, typer.Option(help="Largest image.", rich_help_panel=LIMITS, min=1)]
MaxQueue = Annotated[
    int,
    typer.Option(
        help="Requests that may wait; more are refused at once.", rich_help_panel=LIMITS, min=0
    ),
]
MaxBatchSize = Annotated[
    int | None,
    typer.Option(
        help="Images of equal shape at the network together [8 on a GPU, 1 on a CPU].",
        rich_help_panel=LIMITS,
        min=1,
    ),
]
MaxBatchDelayMs = Annotated[
    float,
    typer.Option(
        help="How long a batch waits to be full, under load.", rich_help_panel=LIMITS, min=0
    ),
]
RequestTimeoutS = Annotated[
    float,
    typer.Option(help="A request's time for waiting and running.", rich_help_panel=LIMITS),
]
DrainTimeoutS = Annotated[
    float,
    typer.Option(help="Time for what is under way when told to stop.", rich_help_panel=LIMITS),
]
ApiKeyFile = Annotated[
    Path | None,
    typer.Option(help="File of accepted API keys, one a line.", rich_help_panel=SECURITY),
]
TlsCert = Annotated[
    Path | None, typer.Option(help="PEM certificate chain.", rich_help_panel=SECURITY)
]
TlsKey = Annotated[Path | None, typer.Option(help="PEM private key.", rich_help_panel=SECURITY)]

DEFAULTS = ServerSettings(port=0)
"""The settings' own defaults, so that none stands twice; each server has a port of its own."""


def refuse_stereo(stereo_depth: bool, stereo_model: str | None) -> None:
    """Stereo depth is a feature of other versions: selecting it ends with exit code 2."""
    if stereo_depth or stereo_model is not None:
        flag = "--stereo_depth" if stereo_depth else "--stereo_model"
        raise typer.BadParameter(
            f"stereo depth is not built yet, so {flag} cannot be served; leave it out"
        )


def start(serve: Callable[[ServerSettings], None], **given: object) -> None:
    """Check the settings, set up the log and serve; our errors end with their message and 1."""
    try:
        settings = ServerSettings.model_validate(given)
        set_up_log(settings.log_level)
        serve(settings)
    except Vizion3DError as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error


def run(command: Callable[..., None]) -> None:
    """Run a command of its own, without a program's other commands."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(command)
    app()
