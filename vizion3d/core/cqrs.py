"""Commands, queries, and the buses that carry them to their handlers.

A command does work (an inference), a query answers a question and changes nothing. Both carry the
type of their result, so ``bus.dispatch(DepthEstimationCommand(...))`` is a
``DepthEstimationResult`` to a type checker.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from vizion3d.errors import UnhandledMessageError

R = TypeVar("R")


class Command(Generic[R]):
    """Something to do; ``R`` is the type of the result."""


class Query(Generic[R]):
    """Something to ask; ``R`` is the type of the answer."""


class _Registry:
    """Message type -> the one function that handles it."""

    def __init__(self) -> None:
        self._handlers: dict[type, Callable[[Any], Any]] = {}

    def add(self, message_type: type, handle: Callable[[Any], Any]) -> None:
        if message_type in self._handlers:
            raise ValueError(f"{message_type.__name__} has a handler already")
        self._handlers[message_type] = handle

    def call(self, message: object) -> Any:
        try:
            handle = self._handlers[type(message)]
        except KeyError:
            known = ", ".join(sorted(t.__name__ for t in self._handlers)) or "none"
            raise UnhandledMessageError(
                f"no handler is registered for {type(message).__name__} (registered: {known}); "
                "register one in vizion3d/app.py"
            ) from None
        return handle(message)


class CommandBus:
    """Carries each command to its handler."""

    def __init__(self) -> None:
        self._registry = _Registry()

    def register(self, command_type: type[Command[R]], handle: Callable[[Any], R]) -> None:
        """Make ``handle`` the handler of ``command_type``; a second one is a ``ValueError``."""
        self._registry.add(command_type, handle)

    def dispatch(self, command: Command[R]) -> R:
        """Run the command's handler and return its result.

        Raises:
            UnhandledMessageError: No handler is registered for the command's type.
        """
        result: R = self._registry.call(command)
        return result


class QueryBus:
    """Carries each query to its handler."""

    def __init__(self) -> None:
        self._registry = _Registry()

    def register(self, query_type: type[Query[R]], handle: Callable[[Any], R]) -> None:
        """Make ``handle`` the handler of ``query_type``; a second one is a ``ValueError``."""
        self._registry.add(query_type, handle)

    def dispatch(self, query: Query[R]) -> R:
        """Return the answer of the query's handler.

        Raises:
            UnhandledMessageError: No handler is registered for the query's type.
        """
        answer: R = self._registry.call(query)
        return answer
