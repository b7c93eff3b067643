"""What both clients do with commands before they are sent, and with answers."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

from vizion3d.core.cqrs import Command
from vizion3d.core.lazy import load
from vizion3d.errors import InvalidImageError, ServerError
from vizion3d.media import images
from vizion3d.outputs.depth_files import encode_png
from vizion3d.wire.rpc import Rpc

C = TypeVar("C", bound=Command[Any])
R = TypeVar("R")
Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)


@dataclass(frozen=True)
class Form:
    """A multipart form.

    Attributes:
        files: Field -> encoded image.
        fields: Field -> value; ``None`` and ``""`` are left out.
    """

    files: Mapping[str, bytes]
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class OverRest(Generic[C, R]):
    """How a command travels over REST.

    Attributes:
        path: Of the task's route.
        accept: The media type to ask for.
        write: The form to send.
        read: The result, of the command, the form, the answer's body and its headers.
    """

    path: str
    accept: str
    write: Callable[[C], Form]
    read: Callable[[C, Form, bytes, Mapping[str, str]], R]


@dataclass(frozen=True)
class OverGrpc(Generic[C, R, Request, Response]):
    """How a command travels over gRPC.

    Attributes:
        rpc: The names and messages of the task's RPCs.
        write: The request to send.
        read: The result, of the command, the request and the response.
    """

    rpc: Rpc[Request, Response]
    write: Callable[[C], Request]
    read: Callable[[C, Request, Response], R]


@dataclass(frozen=True)
class Exchange(Generic[C, R]):
    """A task's client adapter: how its command travels, and how its result comes back."""

    rest: OverRest[C, R]
    grpc: OverGrpc[C, R, Any, Any]


def exchange_of(command: Command[R]) -> Exchange[Command[R], R]:
    """The adapter that a command names.

    Raises:
        ServerError: It is none that is sent to servers.
    """
    if not command.client_adapter:
        raise ServerError(f"{type(command).__name__} cannot be sent to a server")
    return load(command.client_adapter, Exchange)


@dataclass(frozen=True)
class ServedModel:
    """A model that a server offers; ``None`` where it is not known.

    Attributes:
        name: What to write for ``model_backend``.
        default: Whether it is used where none is named.
        variant: Its encoder: ``"vits"``, ``"vitb"`` ...
        parameters: Number of weights.
        licence: SPDX identifier of the weights' licence.
        depth_kind: What it estimates.
        max_depth_m: Range of a metric model, in metres.
        loaded: Runtime that has it in memory.
        network: The family of networks that it belongs to.
        commercial_use: Whether the licence allows it.
        licence_source: Where the licence is stated.
    """

    name: str
    default: bool
    variant: str | None
    parameters: int | None
    licence: str | None
    depth_kind: str
    max_depth_m: float | None
    loaded: str | None
    network: str | None = None
    commercial_use: bool | None = None
    licence_source: str | None = None

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> "ServedModel":
        """What a server tells; fields that this release does not know are left out."""
        return cls(**{known.name: told.get(known.name) for known in fields(cls)})  # type: ignore[arg-type]


def encoded(image: images.ImageInput) -> bytes:
    """The bytes to send: a file's own, or a PNG of a PIL image or array.

    Raises:
        InvalidImageError: There is no such file, or the input is not an image.
    """
    if isinstance(image, (bytes, bytearray, memoryview)):
        return bytes(image)
    if isinstance(image, (str, os.PathLike)):
        try:
            return Path(image).read_bytes()
        except (OSError, ValueError) as error:
            raise InvalidImageError(f"{image} cannot be read: {error}") from error
    return encode_png(images.decode(image))
