"""Commands, queries, and the bus that carries them to their handlers.

A command does work (an inference), a query answers a question and changes nothing. Both carry the
type of their result, so ``bus.dispatch(DepthEstimationCommand(...))`` is a
``DepthEstimationResult`` to a type checker.
"""

import threading
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar

from vizion3d.core.fork import renew_after_fork
from vizion3d.core.lazy import load
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
        self._later: dict[str, Callable[[Bus], None]] = {}
        self.after_fork()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Begin with a lock that nobody holds."""
        self._lock = threading.Lock()

    @property
    def registered(self) -> frozenset[type]:
        """The types of messages that have a handler; imports those that were not needed yet."""
        for path in tuple(self._later):
            self._register_now(load(path, type))
        return frozenset(self._handlers)

    def register(self, message_type: type[Message[R]], handle: Callable[[Any], R]) -> None:
        """Make ``handle`` the handler of ``message_type``; a second one is a ``ValueError``."""
        if message_type in self._handlers:
            raise ValueError(f"{message_type.__name__} has a handler already")
        self._handlers[message_type] = handle

    def register_later(self, paths: Iterable[str], register: Callable[["Bus"], None]) -> None:
        """Have handlers registered when the first message of their types is dispatched.

        Args:
            paths: Of the types, ``"package.module:Name"`` each; they are not imported.
            register: Calls :meth:`register` for each of them; called once.
        """
        for path in paths:
            if path in self._later:
                raise ValueError(f"{path} has a handler already")
            self._later[path] = register

    def dispatch(self, message: Message[R]) -> R:
        """Run the message's handler and return its result.

        Raises:
            UnhandledMessageError: No handler is registered for the message's type.
        """
        message_type = type(message)
        if message_type not in self._handlers:
            self._register_now(message_type)
        handle = self._handlers.get(message_type)
        if handle is None:
            names = [t.__name__ for t in self._handlers]
            names += [path.rpartition(":")[2] for path in self._later]
            raise UnhandledMessageError(
                f"no handler is registered for {message_type.__name__} (registered: "
                f"{', '.join(sorted(names)) or 'none'}); register one in vizion3d/app.py"
            )
        result: R = handle(message)
        return result

    def _register_now(self, message_type: type) -> None:
        path = f"{message_type.__module__}:{message_type.__qualname__}"
        with self._lock:
            register = self._later.get(path)
            if register is not None:
                register(self)
                self._later = {p: r for p, r in self._later.items() if r is not register}


CommandBus: TypeAlias = Bus
QueryBus: TypeAlias = Bus
