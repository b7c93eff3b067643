"""``vizion3d-serve-rest``."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vizion3d.app import TASKS
from vizion3d.server import options
from vizion3d.server.settings import ServerSettings
from vizion3d.task import Task

if TYPE_CHECKING:
    from fastapi import FastAPI


def create_app(settings: ServerSettings, tasks: Sequence[Task] = TASKS) -> "FastAPI":
    """The REST application of the tasks that the settings select.

    Raises:
        InvalidConfigError: Settings that make no sense.
    """
    from vizion3d.server.rest.app import create_app as create
    from vizion3d.serving import build_service

    return create(build_service(settings, tasks))


def serve(settings: ServerSettings) -> None:
    """Serve until told to stop; does not return."""
    from vizion3d.server.rest.process import serve as serve_rest

    serve_rest(create_app, settings)


serve_rest = options.command(
    "rest",
    8000,
    "Serve vizion3d over REST; see /docs.",
    serve,
    [task.feature for task in TASKS],
)


def main() -> None:
    """Entry point."""
    options.program(serve_rest)()


if __name__ == "__main__":
    main()
