"""``inference.GRPCInferenceService``: the Open Inference Protocol over gRPC."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import grpc
import numpy as np

import vizion3d
from vizion3d.errors import InvalidConfigError
from vizion3d.proto import open_inference_pb2 as pb
from vizion3d.server.grpc.call import Context, call
from vizion3d.server.inference import (
    EXTENSIONS,
    NAME,
    VERSION,
    Answer,
    Scalar,
    ServedModels,
    Tensor,
    datatype_of,
    one_element,
)
from vizion3d.server.scheduler import State
from vizion3d.server.service import Service

Handler: TypeAlias = "grpc.GenericRpcHandler[Any, Any]"

INFERENCE_SERVICE = "inference.GRPCInferenceService"
"""The published name; see ``protos/open_inference.proto``."""

OPEN_METHODS = frozenset(f"/{INFERENCE_SERVICE}/{name}" for name in ("ServerLive", "ServerReady"))
"""What needs no key: a load balancer asks."""


class InferenceServicer:
    """Translates the protocol's messages for the service.

    Args:
        service: The served application.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._models = ServedModels(service)

    def handler(self) -> Handler:
        """The protocol's methods, by their names."""
        answers: dict[str, tuple[Any, Any]] = {
            "ServerLive": (self._live, pb.ServerLiveRequest),
            "ServerReady": (self._ready, pb.ServerReadyRequest),
            "ModelReady": (self._model_ready, pb.ModelReadyRequest),
            "ServerMetadata": (self._metadata, pb.ServerMetadataRequest),
            "ModelMetadata": (self._model_metadata, pb.ModelMetadataRequest),
            "ModelInfer": (self._infer, pb.ModelInferRequest),
        }
        methods = {
            name: grpc.unary_unary_rpc_method_handler(
                self._counted(name, answer), request.FromString, _serialize
            )
            for name, (answer, request) in answers.items()
        }
        return grpc.method_handlers_generic_handler(INFERENCE_SERVICE, methods)

    def _counted(self, name: str, answer: Callable[..., Any]) -> Callable[..., Any]:
        async def run(request: Any, context: Context) -> Any:
            async with call(context, name, self._service.metrics):
                return await answer(request, context)
            raise AssertionError("call() aborts or lets the result through")

        return run

    @property
    def _is_ready(self) -> bool:
        return self._service.scheduler.state is State.READY

    async def _live(self, _request: pb.ServerLiveRequest, _: Context) -> pb.ServerLiveResponse:
        return pb.ServerLiveResponse(live=True)

    async def _ready(self, _request: pb.ServerReadyRequest, _: Context) -> pb.ServerReadyResponse:
        return pb.ServerReadyResponse(ready=self._is_ready)

    async def _model_ready(
        self, request: pb.ModelReadyRequest, _: Context
    ) -> pb.ModelReadyResponse:
        self._models.find(request.name, request.version)
        return pb.ModelReadyResponse(ready=self._is_ready)

    async def _metadata(
        self, _request: pb.ServerMetadataRequest, _: Context
    ) -> pb.ServerMetadataResponse:
        return pb.ServerMetadataResponse(
            name=NAME, version=vizion3d.__version__, extensions=EXTENSIONS
        )

    async def _model_metadata(
        self, request: pb.ModelMetadataRequest, _: Context
    ) -> pb.ModelMetadataResponse:
        model = self._models.find(request.name, request.version)
        tensor = pb.ModelMetadataResponse.TensorMetadata
        inputs, outputs = (
            [tensor(name=name, datatype=kind, shape=shape) for name, kind, shape in side]
            for side in (model.inputs(), model.outputs())
        )
        return pb.ModelMetadataResponse(
            name=model.name, versions=[VERSION], platform=NAME, inputs=inputs, outputs=outputs
        )

    async def _infer(
        self, request: pb.ModelInferRequest, context: Context
    ) -> pb.ModelInferResponse:
        model = self._models.find(request.model_name, request.model_version)

        def encode(answer: Answer) -> pb.ModelInferResponse:
            response = write(answer)
            response.model_name, response.model_version = model.name, VERSION
            response.id = request.id
            return response

        return await self._models.infer(
            model,
            read_inputs(request),
            read_parameters(request.parameters),
            [output.name for output in request.outputs],
            encode,
            context.time_remaining(),
        )


def read_inputs(request: pb.ModelInferRequest) -> list[Tensor]:
    """The inputs, whether their content is raw or in fields.

    Raises:
        InvalidConfigError: It is neither in the form that the protocol has for it.
    """
    raw = list(request.raw_input_contents)
    if raw and len(raw) != len(request.inputs):
        raise InvalidConfigError(
            f"there are {len(request.inputs)} inputs and {len(raw)} raw_input_contents; there must "
            "be one for each"
        )
    return [
        Tensor(
            tensor.name, tensor.datatype, tensor.shape, _content(tensor, raw[i] if raw else None)
        )
        for i, tensor in enumerate(request.inputs)
    ]


def _content(tensor: pb.ModelInferRequest.InferInputTensor, raw: bytes | None) -> bytes:
    encoded = tensor.datatype == "BYTES"
    if raw is not None:
        return one_element(tensor.name, raw) if encoded else raw
    if not encoded:
        pixels = np.array(tensor.contents.uint_contents, np.uint32)
        if pixels.size and pixels.max() > 255:
            raise InvalidConfigError(
                f"{tensor.name[:80]}: UINT8 values are 0 to 255, got {pixels.max()}"
            )
        return pixels.astype(np.uint8).tobytes()
    elements = list(tensor.contents.bytes_contents)
    if len(elements) != 1:
        raise InvalidConfigError(
            f"{tensor.name[:80]}: BYTES hold one encoded image, got {len(elements)}"
        )
    return elements[0]


def read_parameters(parameters: Mapping[str, pb.InferParameter]) -> dict[str, Scalar]:
    """Parameters as plain values; one without a value is left out."""
    chosen = {
        name: (value, value.WhichOneof("parameter_choice")) for name, value in parameters.items()
    }
    return {name: getattr(value, kind) for name, (value, kind) in chosen.items() if kind}


def write_parameter(value: Scalar) -> pb.InferParameter:
    """A plain value as a parameter."""
    if isinstance(value, bool):
        return pb.InferParameter(bool_param=value)
    if isinstance(value, int):
        return pb.InferParameter(int64_param=value)
    if isinstance(value, float):
        return pb.InferParameter(double_param=value)
    return pb.InferParameter(string_param=value)


def write(answer: Answer) -> pb.ModelInferResponse:
    """The outputs, their content raw."""
    response = pb.ModelInferResponse(
        parameters={name: write_parameter(value) for name, value in answer.facts.items()}
    )
    for name, array in answer.arrays.items():
        response.outputs.add(name=name, datatype=datatype_of(array), shape=array.shape)
        response.raw_output_contents.append(array.tobytes())
    return response


def _serialize(message: Any) -> bytes:
    content: bytes = message.SerializeToString()
    return content
