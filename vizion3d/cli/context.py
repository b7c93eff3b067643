"""What commands need of the program that they belong to."""

from collections.abc import Callable
from dataclasses import dataclass

import typer

from vizion3d.container import Container
from vizion3d.settings import Settings


@dataclass(frozen=True)
class Application:
    """The application behind the command line.

    Attributes:
        build: Wires an application of its own, by settings.
        default: The process's application, wired from the environment.
    """

    build: Callable[[Settings], Container]
    default: Callable[[], Container]


def application_of(context: typer.Context) -> Application:
    """The application that a command was called for."""
    application: Application = context.obj
    return application
