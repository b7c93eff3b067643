"""What commands need of the program that they belong to."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from vizion3d.container import Container
from vizion3d.settings import Settings

if TYPE_CHECKING:
    from vizion3d.server.settings import ServerSettings


@dataclass(frozen=True)
class Application:
    """The application behind the command line.

    Attributes:
        build: Wires an application of its own, by settings.
        default: The process's application, wired from the environment.
        serve_rest: Serves until told to stop; does not return.
    """

    build: Callable[[Settings], Container]
    default: Callable[[], Container]
    serve_rest: "Callable[[ServerSettings], None]"


def application_of(context: typer.Context) -> Application:
    """The application that a command was called for."""
    application: Application = context.obj
    return application
