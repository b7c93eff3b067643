"""What Ray Serve's gRPC proxy is to do beyond its own: say what can be tried again, and hand on the
client's deadline.

Serve answers ``INTERNAL`` where a replica is lost with a request under way, and ``NOT_FOUND`` where
the application is not there (yet, or any more). A depth estimation changes nothing, so the request
can be sent again: clients are told ``UNAVAILABLE``, which they retry by themselves if they are set
up to.
"""

import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import grpc

from vizion3d.ray.proxy import ABSENT, LOST
from vizion3d.ray.waiting import ARRIVED, now
from vizion3d.wire.problems import PROBLEM_METADATA, status_of

REMAINING = "vizion3d-remaining-s"
"""Metadata by which a replica learns how many seconds the client still waits; empty: for ever."""

_OVERLOADED = status_of(LOST).name
_ERRORS = {grpc.StatusCode.INTERNAL: LOST, grpc.StatusCode.NOT_FOUND: ABSENT}
_RETRIABLE = {*_ERRORS, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE}
_CODES = {told: code for code in _RETRIABLE for told in (code, code.value[0])}
"""Of a context, either can be what it was given."""


def extend(_servicer: Any, server: Any) -> None:
    """Extend what the proxy makes of each RPC that is added to its server after this.

    Args:
        _servicer: Serve's, which does nothing.
        server: Serve's.
    """
    server.service_handler_factory = Extended(server.service_handler_factory)


class Extended:
    """Makes the proxy's behaviours, extended.

    Args:
        factory: Makes Serve's own.
    """

    def __init__(self, factory: Callable[..., Any]) -> None:
        self._factory = factory

    def __call__(self, **rpc: Any) -> Callable[..., Any]:
        """What answers one kind of RPC."""
        behaviour = self._factory(**rpc)

        async def stream(request: Any, context: Any) -> AsyncIterator[bytes]:
            async with aclosing(behaviour(request, _WithDeadline(context))) as messages:
                async for message in messages:
                    yield message
            _tell(context)

        async def unary(request: Any, context: Any) -> bytes:
            answer: bytes = await behaviour(request, _WithDeadline(context))
            _tell(context)
            return answer

        return stream if inspect.isasyncgenfunction(behaviour) else unary


class _WithDeadline:
    """A call's context, whose metadata tell when it came, and the time that was left then."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._arrived = now()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def invocation_metadata(self) -> tuple[tuple[str, Any], ...]:
        remaining_s = self._inner.time_remaining()
        told = "" if remaining_s is None else f"{remaining_s:.3f}"
        return (
            *(self._inner.invocation_metadata() or ()),
            (REMAINING, told),
            (ARRIVED, self._arrived),
        )


def _tell(context: Any) -> None:
    """An error that is none of the application's own can be tried again."""
    trailing = tuple(context.trailing_metadata() or ())
    code = _CODES.get(context.code())
    if code is None or PROBLEM_METADATA in dict(trailing):
        return
    if (error := _ERRORS.get(code)) is not None:
        context.set_code(grpc.StatusCode.UNAVAILABLE)
        context.set_details(str(error))
    context.set_trailing_metadata((*trailing, (PROBLEM_METADATA, _OVERLOADED)))
