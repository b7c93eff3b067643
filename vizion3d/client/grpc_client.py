"""A client of the gRPC server."""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, Self, TypeVar

import grpc
from google.protobuf.message import Message

from vizion3d.client.exchange import OverGrpc, ServedModel, exchange_of
from vizion3d.client.frames import Frames
from vizion3d.core.cqrs import Command
from vizion3d.errors import DeadlineExceededError, InvalidConfigError, ServerError, Vizion3DError
from vizion3d.proto import lifting_pb2 as pb
from vizion3d.proto import lifting_pb2_grpc as pb_grpc
from vizion3d.wire.arrays import set_fields
from vizion3d.wire.headers import API_KEY
from vizion3d.wire.problems import PROBLEM_METADATA, error_of

R = TypeVar("R")

_ANY_SIZE = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))


class GrpcClient:
    """Runs commands on a ``vizion3d-serve-grpc``; safe to use from several threads.

    Args:
        address: Host and port of the server.
        api_key: If it asks for one.
        timeout_s: How long one image may take.
        tls_roots: PEM certificates to trust: the connection is encrypted. ``b""`` trusts those of
            the system; ``None`` is plaintext.

    Example:
        ```python
        from vizion3d.client import GrpcClient
        from vizion3d.lifting import DepthEstimationCommand

        with GrpcClient("localhost:50051") as client:
            result = client.run(DepthEstimationCommand("scene.png"))
        print(result.min_depth, result.max_depth)
        ```
    """

    def __init__(
        self,
        address: str = "127.0.0.1:50051",
        api_key: str | None = None,
        timeout_s: float = 90.0,
        tls_roots: bytes | None = None,
    ) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._metadata = () if api_key is None else ((API_KEY.lower(), api_key),)
        if tls_roots is None:
            self._channel = grpc.insecure_channel(address, _ANY_SIZE)
        else:
            credentials = grpc.ssl_channel_credentials(tls_roots or None)
            self._channel = grpc.secure_channel(address, credentials, _ANY_SIZE)
        self._lifting = pb_grpc.LiftingServiceStub(self._channel)

    def run(self, command: Command[R]) -> R:
        """What the library does with the command, on the server.

        Its ``model_backend`` must be one that the server offers; left at its default, the server's
        default is used.

        Raises:
            Vizion3DError: What the server tells, as the library raises it.
            ServerError: The server cannot be reached, refuses the key, or fails.
        """
        task = exchange_of(command).grpc
        request = task.write(command)
        method = self._channel.unary_unary(
            task.rpc.path(task.rpc.unary), _serialize, task.rpc.response.FromString
        )
        return task.read(command, request, self._call(method, request))

    def run_stream(
        self, commands: Iterable[Command[R]], *, steady: bool = False
    ) -> Generator[R | Vizion3DError, None, None]:
        """Frame after frame over one stream, in order; a frame that fails yields its error.

        All commands are of one type. They are taken a few ahead of the results that are taken: a
        video is never in memory as a whole.

        Args:
            commands: The frames.
            steady: They are the frames of a video: the server gives relative depth one scale and
                shift for all frames of a shot.

        Raises:
            InvalidConfigError: Results of such commands cannot be steadied.
            Exception: What ``commands`` raises, after the results of the commands before.
            ServerError: The stream broke.
            DeadlineExceededError: There was no outcome within ``timeout_s``.
        """
        commands = iter(commands)
        first = next(commands, None)
        if first is None:
            return
        task = exchange_of(first).grpc
        if steady:
            task = _steadied(task)
        frames = Frames(chain((first,), commands), task, self._timeout_s, self._late)
        method = self._channel.stream_stream(
            task.rpc.path(task.rpc.stream or ""), _serialize, task.rpc.outcome.FromString
        )
        try:
            yield from frames.results(method(frames.requests(), metadata=self._metadata))
        except grpc.RpcError as error:
            raise self._translate(error) from error

    def models(self) -> list[ServedModel]:
        """The models that the server offers, the defaults first."""
        answer = self._call(self._lifting.ListModels, pb.ListModelsRequest())
        told = (set_fields(model) for model in answer.models)
        return [ServedModel.read({"default": m.pop("is_default", False)} | m) for m in told]

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _call(self, method: Any, request: Any) -> Any:
        try:
            return method(request, timeout=self._timeout_s, metadata=self._metadata)
        except grpc.RpcError as error:
            raise self._translate(error) from error

    def _late(self) -> DeadlineExceededError:
        return DeadlineExceededError(f"{self._address} gave no answer within {self._timeout_s:g} s")

    def _translate(self, error: Any) -> Vizion3DError:
        trailing: Sequence[tuple[str, Any]] = error.trailing_metadata() or ()
        name = dict(trailing).get(PROBLEM_METADATA)
        if name is not None:
            return error_of(name, error.details())
        if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
            return self._late()
        return ServerError(f"{self._address}: {error.code().name}: {error.details()}")


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()


def _steadied(task: OverGrpc[Any, R, Any, Any]) -> OverGrpc[Any, R, Any, Any]:
    """The same exchange, whose requests ask for steady frames."""
    asked = task.rpc.request.DESCRIPTOR
    if "steady" not in asked.fields_by_name:
        raise InvalidConfigError(f"a {asked.name} has no steady frames; leave steady out")

    def write(command: Any) -> Any:
        request = task.write(command)
        request.steady = True
        return request

    return replace(task, write=write)
