"""docs/operations tells every flag of the servers and every metric."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from vizion3d.programs.grpc import serve_grpc
from vizion3d.programs.rest import serve_rest
from vizion3d.server.metrics import Metrics

DOCS = Path(__file__).parents[2] / "docs"
TOLD = "".join(p.read_text() for p in [*DOCS.glob("operations/*.md"), *DOCS.glob("features/*.md")])


def flags(command: Callable[..., object]) -> set[str]:
    app = typer.Typer(add_completion=False)
    app.command()(command)
    options = typer.main.get_command(app).params
    return {option.opts[0] for option in options if option.name != "help"}


@pytest.mark.parametrize("command", [serve_rest, serve_grpc])
def test_every_flag_is_told(command: Callable[..., object]) -> None:
    told = set(re.findall(r"--[a-z][a-z_-]+", TOLD))
    assert flags(command) <= told


def test_every_metric_is_told() -> None:
    page = (DOCS / "operations" / "metrics.md").read_text()
    told = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    counted = {
        f"{metric.name}_total" if metric.type == "counter" else metric.name
        for metric in Metrics().registry.collect()
    }
    assert told == counted
