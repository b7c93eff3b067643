"""``vizion3d models``: what is known, cached and loaded."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from vizion3d.checkpoints.commands import ClearConversionsCommand, DownloadModelCommand
from vizion3d.checkpoints.queries import ListModelsQuery, ModelInfo, ModelInfoQuery, ModelPathQuery
from vizion3d.cli.context import application_of
from vizion3d.cli.log import show_log
from vizion3d.errors import CheckpointError
from vizion3d.runtime.recommend import RecommendQuery, Scene

models = typer.Typer(
    help="Show, download and recommend models.", no_args_is_help=True, add_completion=False
)

ModelArgument = Annotated[str, typer.Argument(help="A name, an https URL, or a path.")]
_PIPE_WIDTH = 200


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=_PIPE_WIDTH)


@models.command("list")
def list_models(context: typer.Context) -> None:
    """List the released models, and what else is in the cache."""
    table = Table(
        "name", "depth", "encoder", "weights", "licence", "commercial use", "file", "here"
    )
    for info in application_of(context).default().queries.dispatch(ListModelsQuery()):
        table.add_row(
            info.name,
            _depth(info),
            info.variant or "?",
            _millions(info.parameters),
            info.licence or "?",
            _commercial(info),
            _size(info),
            _state(info),
        )
    _console().print(table)
    typer.echo(f"cache: {application_of(context).default().settings.model_cache}")


@models.command("info")
def model_info(context: typer.Context, model: ModelArgument) -> None:
    """Tell all that is known of one model."""
    info = application_of(context).default().queries.dispatch(ModelInfoQuery(model))
    table = Table(show_header=False, box=None)
    rows = {
        "name": info.name,
        "depth": _depth(info),
        "encoder": info.variant or "?",
        "weights": f"{info.parameters:,}" if info.parameters else "?",
        "network": info.network or "?",
        "licence": info.licence or "?",
        "commercial use": _commercial(info),
        "stated at": info.licence_source or "-",
        "url": info.url or "-",
        "path": str(info.path),
        "here": _state(info),
        "file size": _size(info),
        "input size": f"{info.input_size} pixels" if info.input_size else "-",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    _console().print(table)


@models.command()
def recommend(
    context: typer.Context,
    commercial: Annotated[bool, typer.Option(help="Its licence must allow commercial use.")] = True,
    metric: Annotated[
        bool, typer.Option("--metric/--relative", help="Whether it must estimate metres.")
    ] = False,
    scene: Annotated[
        Scene, typer.Option(help="What the photos show: any, indoor or outdoor.")
    ] = "any",
    within_s: Annotated[
        float | None, typer.Option(help="Seconds that a photo may take on this machine.", min=0)
    ] = None,
) -> None:
    """Recommend a model; models that are on this machine are timed on it."""
    query = RecommendQuery(commercial, metric, scene, within_s)
    found = application_of(context).default().queries.dispatch(query)
    if found is None:
        raise CheckpointError("there is no such model; allow another licence, scene or time")
    release = found.release
    took = (
        "not on this machine, so not measured"
        if found.seconds is None
        else f"{found.seconds:.2f} s a photo of 640 x 480 on this machine"
    )
    kind = release.depth_kind.replace("_", " ")
    weights = f"{_millions(release.parameters)} weights"
    typer.echo(f"{release.name}: {kind}, {weights}, {release.licence}; {took}")


@models.command()
def download(context: typer.Context, model: ModelArgument) -> None:
    """Download a model into the cache, if it is not there, and print its path."""
    show_log()
    typer.echo(application_of(context).default().commands.dispatch(DownloadModelCommand(model)))


@models.command()
def path(context: typer.Context, model: ModelArgument) -> None:
    """Print where a model's file is, or would be."""
    typer.echo(application_of(context).default().queries.dispatch(ModelPathQuery(model)))


@models.command()
def clear(context: typer.Context) -> None:
    """Remove the networks converted for OpenVINO; they are made again when needed."""
    freed_bytes = application_of(context).default().commands.dispatch(ClearConversionsCommand())
    typer.echo(f"{freed_bytes / 1e6:.0f} MB freed; checkpoints are untouched")


def _state(info: ModelInfo) -> str:
    if not info.cached:
        return "no"
    return "yes, converted" if info.converted else "yes"


def _commercial(info: ModelInfo) -> str:
    return {True: "yes", False: "no", None: "?"}[info.commercial_use]


def _depth(info: ModelInfo) -> str:
    if info.max_depth_m:
        return f"metric, to {info.max_depth_m:g} m"
    return info.depth_kind.replace("_", " ")


def _millions(count: int | None) -> str:
    return f"{count / 1e6:.1f} M" if count else "?"


def _size(info: ModelInfo) -> str:
    """Size of the file; of one that is not here and whose size is not known, about."""
    if info.about_bytes is None:
        return "-"
    about = "" if info.size_bytes else "about "
    return f"{about}{info.about_bytes / 1e6:.0f} MB"
