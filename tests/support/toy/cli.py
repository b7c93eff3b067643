"""The task's command."""

from pathlib import Path
from typing import Annotated

import typer

from tests.support.toy.commands import DifferenceCommand, DifferenceConfig
from vizion3d.cli.context import application_of
from vizion3d.settings import load_settings


def difference(
    context: typer.Context,
    first: Annotated[Path, typer.Argument(help="A photo.")],
    second: Annotated[Path, typer.Argument(help="Another of the same size.")],
    gain: Annotated[float, typer.Option(help="Factor of the difference.")] = 1.0,
) -> None:
    """Tell how much two photos differ."""
    container = application_of(context).build(load_settings())
    command = DifferenceCommand(first, second, config=DifferenceConfig(gain=gain))
    typer.echo(f"mean difference {container.commands.dispatch(command).mean:.3f}")
