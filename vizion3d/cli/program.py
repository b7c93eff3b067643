"""The program ``vizion3d``: the tasks' commands, and those that need no task."""

import os
import pkgutil
import sys
from collections import UserDict
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer
import typer.main
from typer.core import TyperGroup

from vizion3d.cli.context import Application
from vizion3d.errors import Vizion3DError
from vizion3d.settings import Licences
from vizion3d.task import Task

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


def program(
    application: Application, tasks: Iterable[Task], others: Mapping[str, str] | None = None
) -> typer.Typer:
    """The command line of an application. What a command needs is imported when it is called.

    Args:
        application: What its commands work with.
        tasks: Whose commands it has.
        others: Commands of no task: name -> import path of the function, or of a ``typer.Typer``.
    """
    paths: dict[str, str] = {}
    for task in tasks:
        paths |= task.cli
    paths |= {**(others or {}), **_OWN}
    app = typer.Typer(
        name="vizion3d",
        help="Lift photos into 3D with Depth Anything V2.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        cls=_group_of(paths),
    )

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


_OWN = {
    "doctor": "vizion3d.cli.doctor:doctor",
    "export": "vizion3d.cli.export:export",
    "models": "vizion3d.cli.models:models",
}


class _Commands(UserDict[str, Any]):
    """Name -> import path, and -> the command, once it was looked up."""

    def __getitem__(self, name: str) -> Any:
        found = super().__getitem__(name)
        if isinstance(found, str):
            found = self.data[name] = _command_at(name, found)
        return found


def _group_of(paths: Mapping[str, str]) -> type[TyperGroup]:
    """The group of the commands that live at these import paths."""

    class Group(TyperGroup):
        def __init__(self, **attributes: Any) -> None:
            super().__init__(**attributes)
            self.commands = _Commands(paths)

        def list_commands(self, ctx: Any) -> list[str]:
            del ctx
            return list(self.commands)

    return Group


def _command_at(name: str, path: str) -> Any:
    found = pkgutil.resolve_name(path)
    if not isinstance(found, typer.Typer):
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        alone.command(name)(found)
        found = alone
    command = typer.main.get_command(found)
    command.name = name
    return command


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
