"""A task over gRPC: how a message becomes a command, and a result a message."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

from vizion3d.core.cqrs import Command
from vizion3d.wire.rpc import Rpc

C = TypeVar("C", bound=Command[Any])
R = TypeVar("R")
Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)


def _stands_for_itself(_request: Any) -> None:
    return None


@dataclass(frozen=True)
class Methods(Generic[Request, Response, C, R]):
    """One task's RPCs.

    Attributes:
        rpc: Their names and messages.
        read: The command that a request asks for; its ``model_backend`` is what the client wrote.
        write: The answer to a request.
        follow: Of a request of a stream: what makes its result, and those of the requests after it,
            follow those before, in their order; ``None`` where each stands for itself.
    """

    rpc: Rpc[Request, Response]
    read: Callable[[Request], C]
    write: Callable[[R, C, Request], Response]
    follow: Callable[[Request], Callable[[R], R] | None] = _stands_for_itself
