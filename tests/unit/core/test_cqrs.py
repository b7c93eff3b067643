import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from vizion3d.core.cqrs import Command, CommandBus, Query, QueryBus
from vizion3d.errors import UnhandledMessageError


@dataclass
class Double(Command[int]):
    number: int


@dataclass
class Ask(Query[str]):
    word: str


def test_a_command_reaches_its_handler() -> None:
    bus = CommandBus()
    bus.register(Double, lambda command: 2 * command.number)
    assert bus.dispatch(Double(21)) == 42


def test_a_query_reaches_its_handler() -> None:
    bus = QueryBus()
    bus.register(Ask, lambda query: query.word.upper())
    assert bus.dispatch(Ask("depth")) == "DEPTH"


def test_an_unregistered_message_is_named_with_what_is_registered() -> None:
    commands, queries = CommandBus(), QueryBus()
    commands.register(Double, lambda command: command.number)
    with pytest.raises(UnhandledMessageError, match=r"no handler .* Ask \(registered: Double\)"):
        commands.dispatch(Ask("x"))
    with pytest.raises(UnhandledMessageError, match=r"Ask \(registered: none\)"):
        queries.dispatch(Ask("x"))


def test_a_key_error_of_a_handler_is_its_own() -> None:
    bus = CommandBus()
    bus.register(Double, lambda _command: {}["missing"])
    with pytest.raises(KeyError, match="missing"):
        bus.dispatch(Double(1))


def test_a_second_handler_is_refused() -> None:
    bus = CommandBus()
    bus.register(Double, lambda command: command.number)
    with pytest.raises(ValueError, match="Double has a handler already"):
        bus.register(Double, lambda command: command.number)


@pytest.mark.process
def test_a_type_checker_infers_the_result_of_dispatch(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "from vizion3d.app import default_container\n"
        "from vizion3d.lifting import DepthEstimationCommand\n"
        "from vizion3d.checkpoints.queries import ListModelsQuery\n"
        "container = default_container()\n"
        "reveal_type(container.commands.dispatch(DepthEstimationCommand('a.png')))\n"
        "reveal_type(container.queries.dispatch(ListModelsQuery()))\n"
    )
    root = Path(__file__).parents[3]
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", root / "pyproject.toml", program],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert 'Revealed type is "vizion3d.lifting.models.DepthEstimationResult"' in run.stdout
    assert 'Revealed type is "list[vizion3d.checkpoints.queries.ModelInfo]"' in run.stdout
