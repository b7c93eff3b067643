"""The program ``vizion3d``: the tasks' commands, and those that need no task."""

import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from vizion3d.cli.context import Application
from vizion3d.cli.doctor import doctor
from vizion3d.cli.export import export
from vizion3d.cli.models import models
from vizion3d.errors import Vizion3DError
from vizion3d.settings import Licences
from vizion3d.task import Task, adapters

LicencesOption = Annotated[
    Licences | None,
    typer.Option("--licences", help="Licences of weights that are accepted: any or permissive."),
]
LicenceOf = Annotated[
    list[str] | None,
    typer.Option(
        help="FILE=SPDX: the licence of a file that the catalogue does not know; repeatable."
    ),
]


@dataclass(frozen=True)
class Commands:
    """A task's commands.

    Attributes:
        functions: Each is a command by its own name; one with a parameter of the type
            ``typer.Context`` finds the application by
            :func:`vizion3d.cli.context.application_of`.
    """

    functions: tuple[Callable[..., None], ...] = ()


def program(
    application: Application, tasks: Iterable[Task[Any]], others: Commands = Commands()
) -> typer.Typer:
    """The command line of an application.

    Args:
        application: What its commands work with.
        tasks: Whose commands it has.
        others: Commands of no task.
    """
    app = typer.Typer(
        name="vizion3d",
        help="Lift photos into 3D with Depth Anything V2.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    for commands in adapters(tasks, "cli", Commands):
        for function in commands.functions:
            app.command()(function)
    app.add_typer(models, name="models")
    for function in others.functions:
        app.command()(function)
    app.command()(doctor)
    app.command()(export)

    @app.callback()
    def _options(
        context: typer.Context,
        version: bool = typer.Option(  # noqa: ARG001 (its callback prints it)
            False, "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
        licences: LicencesOption = None,
        licence_of: LicenceOf = None,
    ) -> None:
        """Lift photos into 3D with Depth Anything V2."""
        # Settings are read from the environment, by this process and by those that it starts.
        if licences:
            os.environ["VIZION3D_LICENCES"] = licences
        if licence_of:
            os.environ["VIZION3D_LICENCE_OF"] = ",".join(licence_of)
        context.obj = application

    return app


def run(app: typer.Typer) -> None:
    """Run a program: our own errors become one line and exit code 1."""
    try:
        app()
    except Vizion3DError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)


def _print_version(wanted: bool) -> None:
    if wanted:
        from vizion3d import __version__

        typer.echo(f"vizion3d {__version__}")
        raise typer.Exit
