"""``vizion3d``."""

from vizion3d.app import TASKS, build_container, default_container
from vizion3d.cli.context import Application
from vizion3d.cli.program import Commands, program, run
from vizion3d.programs.ui import ui

app = program(Application(build_container, default_container), TASKS, Commands((ui,)))


def main() -> None:
    """Entry point."""
    run(app)


if __name__ == "__main__":
    main()
