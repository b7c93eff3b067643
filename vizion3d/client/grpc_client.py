"""A client of the gRPC server."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Self

import grpc

from vizion3d.client.exchange import (
    ServedModel,
    encoded,
    error_of,
    rebuild,
    wire_fields,
    wire_model,
)
from vizion3d.errors import DeadlineExceededError, ServerError, Vizion3DError
from vizion3d.geometry.projection import CameraIntrinsics
from vizion3d.lifting.commands import DepthEstimationCommand
from vizion3d.lifting.models import DepthEstimationResult
from vizion3d.proto import lifting_pb2 as pb
from vizion3d.proto import lifting_pb2_grpc as pb_grpc
from vizion3d.server.grpc.messages import unpack
from vizion3d.server.status import PROBLEM_METADATA

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
        self._metadata = () if api_key is None else (("x-api-key", api_key),)
        if tls_roots is None:
            self._channel = grpc.insecure_channel(address, _ANY_SIZE)
        else:
            credentials = grpc.ssl_channel_credentials(tls_roots or None)
            self._channel = grpc.secure_channel(address, credentials, _ANY_SIZE)
        self._stub = pb_grpc.LiftingServiceStub(self._channel)

    def run(self, command: DepthEstimationCommand) -> DepthEstimationResult:
        """What :meth:`vizion3d.lifting.DepthEstimation.run` does, on the server.

        ``model_backend`` must be one that the server offers; left at its default, the server's
        default is used.

        Raises:
            Vizion3DError: What the server tells, as the library raises it.
            ServerError: The server cannot be reached, refuses the key, or fails.
        """
        request = _request(command)
        response = self._call(self._stub.RunDepthEstimation, request, self._timeout_s)
        return _result(command, request, response)

    def run_stream(
        self, commands: Iterable[DepthEstimationCommand]
    ) -> Iterator[DepthEstimationResult | Vizion3DError]:
        """Frame after frame over one stream, in order; a frame that fails yields its error.

        Commands are taken as the server takes them: a video is never in memory as a whole.
        """
        sent: list[tuple[DepthEstimationCommand, pb.DepthEstimationRequest]] = []

        def requests() -> Iterator[pb.DepthEstimationRequest]:
            for command in commands:
                request = _request(command)
                sent.append((command, request))
                yield request

        stream = self._stub.StreamDepthEstimation(requests(), metadata=self._metadata)
        try:
            for outcome in stream:
                command, request = sent.pop(0)
                if outcome.WhichOneof("outcome") == "error":
                    yield error_of(outcome.error.problem, outcome.error.detail)
                else:
                    yield _result(command, request, outcome.result)
        except grpc.RpcError as error:
            raise self._translate(error) from error
        finally:
            stream.cancel()  # type: ignore[no-untyped-call]  # grpc-stubs has it so

    def models(self) -> list[ServedModel]:
        """The models that the server offers, the default first."""
        answer = self._call(self._stub.ListModels, pb.ListModelsRequest(), self._timeout_s)

        def known(model: pb.ModelInfo, name: str) -> Any:
            # The stub of HasField takes the fields' names as literals only.
            return getattr(model, name) if model.HasField(name) else None  # type: ignore[arg-type]

        return [
            ServedModel(
                name=model.name,
                default=model.is_default,
                depth_kind=model.depth_kind,
                **{
                    name: known(model, name)
                    for name in ("variant", "parameters", "licence", "max_depth_m", "loaded")
                },
            )
            for model in answer.models
        ]

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _call(self, method: Any, request: Any, timeout_s: float) -> Any:
        try:
            return method(request, timeout=timeout_s, metadata=self._metadata)
        except grpc.RpcError as error:
            raise self._translate(error) from error

    def _translate(self, error: Any) -> Vizion3DError:
        trailing: Sequence[tuple[str, Any]] = error.trailing_metadata() or ()
        name = dict(trailing).get(PROBLEM_METADATA)
        if name is not None:
            return error_of(name, error.details())
        if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
            return DeadlineExceededError(
                f"{self._address} gave no answer within {self._timeout_s:g} s"
            )
        return ServerError(f"{self._address}: {error.code().name}: {error.details()}")


def _request(command: DepthEstimationCommand) -> pb.DepthEstimationRequest:
    return pb.DepthEstimationRequest(
        image_bytes=encoded(command.image_input),
        model_backend=wire_model(command),
        advanced_config=pb.DepthEstimationAdvanceConfig(**wire_fields(command.advanced_config)),
        packed_depth=True,
        input_size=command.input_size,
    )


def _result(
    command: DepthEstimationCommand,
    request: pb.DepthEstimationRequest,
    response: pb.DepthEstimationResponse,
) -> DepthEstimationResult:
    k = response.intrinsics
    return rebuild(
        command,
        request.image_bytes,
        unpack(response.packed_depth),
        min_depth=response.min_depth,
        max_depth=response.max_depth,
        backend_used=response.backend_used,
        depth_kind=response.depth_kind,  # type: ignore[arg-type]  # validated by the result
        intrinsics=CameraIntrinsics(
            k.fx, k.fy, k.cx, k.cy, k.width_px, k.height_px, dict(k.sources)
        ),
    )
