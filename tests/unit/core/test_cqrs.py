from dataclasses import dataclass
from typing import assert_type

import pytest

from vizion3d.checkpoints.queries import ListModelsQuery, ModelInfo
from vizion3d.core.cqrs import Command, CommandBus, Query, QueryBus
from vizion3d.errors import UnhandledMessageError
from vizion3d.lifting import DepthEstimationCommand, DepthEstimationResult

NOTHING: dict[str, int] = {}


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
    bus.register(Double, lambda _command: NOTHING["missing"])
    with pytest.raises(KeyError, match="missing"):
        bus.dispatch(Double(1))


def test_a_second_handler_is_refused() -> None:
    bus = CommandBus()
    bus.register(Double, lambda command: command.number)
    with pytest.raises(ValueError, match="Double has a handler already"):
        bus.register(Double, lambda command: command.number)


def test_the_result_of_dispatch_has_the_messages_type() -> None:
    commands, queries = CommandBus(), QueryBus()
    commands.register(Double, lambda command: 2 * command.number)
    queries.register(Ask, lambda query: query.word)
    assert_type(commands.dispatch(Double(2)), int)  # by `make types`
    assert_type(queries.dispatch(Ask("a")), str)
    with pytest.raises(UnhandledMessageError):
        assert_type(commands.dispatch(DepthEstimationCommand("a.png")), DepthEstimationResult)
    with pytest.raises(UnhandledMessageError):
        assert_type(queries.dispatch(ListModelsQuery()), list[ModelInfo])
