"""What is made of the answers of Ray Serve's gRPC proxy; ``tests/ray`` has the real one."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import grpc
import pytest

from vizion3d.ray.grpc_proxy import Extended, extend
from vizion3d.ray.rpcs import ServeContext

OK, INTERNAL, UNAVAILABLE = (
    grpc.StatusCode.OK,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNAVAILABLE,
)
OURS = (("vizion3d-problem", "internal-error"),)


class Context:
    """What a gRPC server knows of a call."""

    def __init__(self, remaining_s: float | None = None) -> None:
        self.told: tuple[Any, str] = (0, "")
        self.trailing: tuple[tuple[str, str], ...] = ()
        self._remaining_s = remaining_s

    def time_remaining(self) -> float | None:
        return self._remaining_s

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return (("x-api-key", "secret"), ("vizion3d-remaining-s", "nonsense of the client"))

    def trailing_metadata(self) -> tuple[tuple[str, str], ...]:
        return self.trailing

    def set_trailing_metadata(self, trailing: tuple[tuple[str, str], ...]) -> None:
        self.trailing = trailing

    def code(self) -> Any:
        return self.told[0]

    def set_code(self, code: Any) -> None:
        self.told = (code, self.told[1])

    def set_details(self, details: str) -> None:
        self.told = (self.told[0], details)


def behaviours(**rpc: Any) -> Any:
    """Serve's, in short: it answers ``request``, a code and what comes with it."""

    async def unary(request: Any, context: Any) -> bytes:
        context.set_code(request[0])
        context.set_details("of Serve")
        context.set_trailing_metadata(request[1])
        return b"answer"

    async def stream(request: Any, context: Any) -> AsyncIterator[bytes]:
        yield b"first"
        yield await unary(request, context)

    return stream if rpc["streaming_type"] == "stream" else unary


def answer(kind: str, request: Any, context: Context) -> list[bytes]:
    server = SimpleNamespace(service_handler_factory=behaviours)
    extend(None, server)
    behaviour = server.service_handler_factory(service_method="/a/B", streaming_type=kind)

    async def collect() -> list[bytes]:
        if kind == "stream":
            return [message async for message in behaviour(request, context)]
        return [await behaviour(request, context)]

    return asyncio.run(collect())


@pytest.mark.parametrize("kind", ["unary", "stream"])
@pytest.mark.parametrize(
    ("code", "trailing", "told"),
    [
        (INTERNAL, (), UNAVAILABLE),
        (INTERNAL.value[0], (("request_id", "1"),), UNAVAILABLE),
        (grpc.StatusCode.NOT_FOUND, (), UNAVAILABLE),
        (INTERNAL, OURS, INTERNAL),
        (OK, (), OK),
    ],
)
def test_only_what_is_lost_is_to_be_tried_again(
    kind: str, code: Any, trailing: Any, told: Any
) -> None:
    context = Context()
    assert answer(kind, (code, trailing), context)[-1] == b"answer"
    assert context.told[0] == told
    assert (" again" in context.told[1]) == (told is UNAVAILABLE)
    named = dict(context.trailing).get("vizion3d-problem")
    assert named == (
        "overloaded" if told is UNAVAILABLE else dict(trailing).get("vizion3d-problem")
    )


def test_what_serve_refuses_is_told_as_the_plain_server_does() -> None:
    context = Context()
    answer("unary", (grpc.StatusCode.RESOURCE_EXHAUSTED, (("request_id", "1"),)), context)
    assert context.told == (grpc.StatusCode.RESOURCE_EXHAUSTED, "of Serve")
    assert context.trailing == (("request_id", "1"), ("vizion3d-problem", "overloaded"))


@pytest.mark.parametrize("remaining_s", [None, 2.5])
def test_the_clients_deadline_reaches_the_replica(remaining_s: float | None) -> None:
    seen = []

    async def behaviour(_request: Any, context: Any) -> bytes:
        seen.append(ServeContext(context))
        return b""

    asyncio.run(Extended(lambda **_: behaviour)()(None, Context(remaining_s)))
    assert seen[0].time_remaining() == remaining_s
    assert ("x-api-key", "secret") in seen[0].invocation_metadata()
    assert 0 <= seen[0].waited_s() < 30


def test_without_the_extension_no_deadline_is_known() -> None:
    inner = SimpleNamespace(invocation_metadata=lambda: [("x-api-key", "secret")])
    assert ServeContext(inner).time_remaining() is None
    assert ServeContext(inner).waited_s() == 0
