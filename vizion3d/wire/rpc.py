"""A task's RPCs, as both sides of a connection see them."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)


@dataclass(frozen=True)
class Rpc(Generic[Request, Response]):
    """One request, one answer; and the same for frame after frame, if there is a stream.

    Attributes:
        service: Full name of the service: ``"vizion3d.lifting.LiftingService"``.
        unary: Name of the method for one request.
        request: Its message.
        response: Its answer's message.
        stream: Name of the method for frame after frame; ``None`` if there is none.
        outcome: Message of a frame's outcome: ``index``, and ``result`` (the response's message) or
            ``error`` (a ``FrameError``) in the oneof ``outcome``.
    """

    service: str
    unary: str
    request: type[Request]
    response: type[Response]
    stream: str | None = None
    outcome: Any = None

    def path(self, method: str) -> str:
        """Where a method is called."""
        return f"/{self.service}/{method}"
