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


def test_a_handler_is_registered_when_its_message_first_comes() -> None:
    bus = CommandBus()
    asked: list[str] = []

    def register(later: CommandBus) -> None:
        asked.append("registered")
        later.register(Double, lambda command: 2 * command.number)
        later.register(Ask, lambda query: query.word)

    bus.register_later([path_of(Double), path_of(Ask)], register)
    assert asked == []
    assert [bus.dispatch(Double(1)), bus.dispatch(Double(2)), bus.dispatch(Ask("a"))] == [2, 4, "a"]
    assert asked == ["registered"]
    assert bus.registered == {Double, Ask}


def test_what_is_registered_for_later_is_named_and_refused_a_second_time() -> None:
    bus = CommandBus()
    bus.register_later(["somewhere.commands:Turn"], lambda _bus: None)
    with pytest.raises(UnhandledMessageError, match=r"no handler .* Double \(registered: Turn\)"):
        bus.dispatch(Double(1))
    with pytest.raises(ValueError, match="Turn has a handler already"):
        bus.register_later(["somewhere.commands:Turn"], lambda _bus: None)


def test_a_registration_that_fails_is_tried_again() -> None:
    bus = CommandBus()
    outcomes = [ImportError("not installed"), None]

    def register(later: CommandBus) -> None:
        if (error := outcomes.pop(0)) is not None:
            raise error
        later.register(Double, lambda command: command.number)

    bus.register_later([path_of(Double)], register)
    with pytest.raises(ImportError, match="not installed"):
        bus.dispatch(Double(1))
    assert bus.dispatch(Double(1)) == 1


def path_of(message: type) -> str:
    return f"{message.__module__}:{message.__qualname__}"
