"""What Ray Serve's gRPC proxy is to do beyond its own: say that a lost replica can be tried again,
and hand on the client's deadline.

Serve answers ``INTERNAL`` where a replica is lost with a request under way. A depth estimation
changes nothing, so the request can be sent again: clients are told ``UNAVAILABLE``, which they
retry by themselves if they are set up to.
"""

import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import grpc

from vizion3d.wire.problems import PROBLEM_METADATA

REMAINING = "vizion3d-remaining-s"
"""Metadata by which a replica learns how many seconds the client still waits; empty: for ever."""

_LOST = "the replica that worked on the request was lost; send it again"
_INTERNAL = (grpc.StatusCode.INTERNAL, grpc.StatusCode.INTERNAL.value[0])


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
            _tell_lost(context)

        async def unary(request: Any, context: Any) -> bytes:
            answer: bytes = await behaviour(request, _WithDeadline(context))
            _tell_lost(context)
            return answer

        return stream if inspect.isasyncgenfunction(behaviour) else unary


class _WithDeadline:
    """A call's context, whose metadata tell the time that is left."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def invocation_metadata(self) -> tuple[tuple[str, Any], ...]:
        remaining_s = self._inner.time_remaining()
        told = "" if remaining_s is None else f"{remaining_s:.3f}"
        return (*(self._inner.invocation_metadata() or ()), (REMAINING, told))


def _tell_lost(context: Any) -> None:
    """An ``INTERNAL`` that is none of the application's own is a replica that was lost."""
    is_ours = any(name == PROBLEM_METADATA for name, _ in context.trailing_metadata() or ())
    if context.code() in _INTERNAL and not is_ours:
        context.set_code(grpc.StatusCode.UNAVAILABLE)
        context.set_details(_LOST)
