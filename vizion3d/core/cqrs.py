"""Commands, queries, and the bus that carries them to their handlers.

A command does work (an inference), a query answers a question and changes nothing. Both carry the
type of their result, so ``bus.dispatch(DepthEstimationCommand(...))`` is a
``DepthEstimationResult`` to a type checker.
"""

from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar

from vizion3d.errors import UnhandledMessageError

R = TypeVar("R")


class Message(Generic[R]):
    """What a bus carries; ``R`` is the type of the result."""


class Command(Message[R]):
    """Something to do; ``R`` is the type of the result.

    Attributes:
        client_adapter: Import path (``"package.module:NAME"``) of what the clients of
            :mod:`vizion3d.client` need to send it to a server; empty for one that is not sent.
    """

    client_adapter: ClassVar[str] = ""


class Query(Message[R]):
    """Something to ask; ``R`` is the type of the answer."""


class Bus:
    """Carries each message to the one function that handles its type."""

    def __init__(self) -> None:
        self._handlers: dict[type, Callable[[Any], Any]] = {}

    @property
    def registered(self) -> frozenset[type]:
        """The types of messages that have a handler."""
        return frozenset(self._handlers)

    def register(self, message_type: type[Message[R]], handle: Callable[[Any], R]) -> None:
        """Make ``handle`` the handler of ``message_type``; a second one is a ``ValueError``."""
        if message_type in self._handlers:
            raise ValueError(f"{message_type.__name__} has a handler already")
        self._handlers[message_type] = handle

    def dispatch(self, message: Message[R]) -> R:
        """Run the message's handler and return its result.

        Raises:
            UnhandledMessageError: No handler is registered for the message's type.
        """
        try:
            handle = self._handlers[type(message)]
        except KeyError:
            known = ", ".join(sorted(t.__name__ for t in self._handlers)) or "none"
            raise UnhandledMessageError(
                f"no handler is registered for {type(message).__name__} (registered: {known}); "
                "register one in vizion3d/app.py"
            ) from None
        result: R = handle(message)
        return result


CommandBus: TypeAlias = Bus
QueryBus: TypeAlias = Bus
