"""``vizion3d``."""

from vizion3d.app import TASKS, build_container, default_container
from vizion3d.cli.context import Application
from vizion3d.cli.program import program, run

app = program(
    Application(build_container, default_container),
    TASKS,
    {
        "ui": "vizion3d.programs.ui:ui",
        "batch": "vizion3d.ray.cli:batch",
        "serve-ray": "vizion3d.ray.serving:serve_ray",
    },
)


def main() -> None:
    """Entry point."""
    run(app)


if __name__ == "__main__":
    main()
