"""The command line, ``vizion3d``: it only translates options into commands and queries."""

import sys

import typer

from vizion3d.cli.depth import depth
from vizion3d.cli.doctor import doctor
from vizion3d.cli.models import models
from vizion3d.cli.ui import ui
from vizion3d.cli.video import video
from vizion3d.errors import Vizion3DError

app = typer.Typer(
    name="vizion3d",
    help="Lift photos into 3D with Depth Anything V2.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(depth)
app.command()(video)
app.add_typer(models, name="models")
app.command()(ui)
app.command()(doctor)


def _print_version(wanted: bool) -> None:
    if wanted:
        from vizion3d import __version__

        typer.echo(f"vizion3d {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Lift photos into 3D with Depth Anything V2."""


def main() -> None:
    """Entry point: our own errors become one line and exit code 1."""
    try:
        app()
    except Vizion3DError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)
