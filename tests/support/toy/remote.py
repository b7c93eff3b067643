"""The toy task's handler in a process of its own; it is handed commands and hands back results."""

from typing import Any

from tests.support.toy.task import DIFFERENCE
from vizion3d.app import build_container
from vizion3d.settings import load_settings


def handle(command: Any) -> Any:
    """What the application of this process makes of a command."""
    return build_container(load_settings(), tasks=(DIFFERENCE,)).commands.dispatch(command)
