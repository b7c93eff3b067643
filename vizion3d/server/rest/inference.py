"""``/v2``: the Open Inference Protocol over HTTP, with its binary extension."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from vizion3d.server.inference import NAME, VERSION, Answer, ServedModel, ServedModels
from vizion3d.server.rest import openapi
from vizion3d.server.rest.connection import while_connected
from vizion3d.server.rest.inference_messages import (
    HEADER_LENGTH,
    InferAnswer,
    InferRequest,
    Live,
    ModelMetadata,
    Ready,
    ServerMetadata,
    TensorMetadata,
    read,
    timeout_s,
    write,
)
from vizion3d.server.scheduler import State
from vizion3d.server.service import Service

BINARY = "application/octet-stream"

ModelName = Annotated[str, Path(description="A task's name, or a model's that only one offers.")]

_INFER_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": InferRequest.model_json_schema()}},
    }
}


def router_of(service: Service) -> APIRouter:
    """The protocol's routes, in front of the service."""
    models = ServedModels(service)
    router = APIRouter(prefix="/v2")

    def readiness(response: Response) -> Ready:
        is_ready = service.scheduler.state is State.READY
        response.status_code = 200 if is_ready else 503
        return Ready(ready=is_ready)

    @router.get("", summary="What is this server?", responses=openapi.gate_responses())
    async def inference_server() -> ServerMetadata:
        """By the Open Inference Protocol."""
        return ServerMetadata()

    @router.get("/health/live", summary="Is the server alive?", responses=openapi.open_responses())
    async def inference_live() -> Live:
        """Always, while the process answers at all."""
        return Live()

    not_ready: openapi.Responses = {
        503: {"model": Ready, "description": "Loading the model, or stopping."}
    }

    @router.get(
        "/health/ready",
        summary="May requests be sent?",
        responses={**not_ready, **openapi.open_responses()},
    )
    async def inference_ready(response: Response) -> Ready:
        """As ``/ready``."""
        return readiness(response)

    def find(name: str, request: Request) -> ServedModel:
        return models.find(name, request.path_params.get("version", ""))

    async def metadata(model: ModelName, request: Request) -> ModelMetadata:
        """Its inputs and outputs."""
        found = find(model, request)
        inputs, outputs = (
            [TensorMetadata(name=name, datatype=kind, shape=shape) for name, kind, shape in side]
            for side in (found.inputs(), found.outputs())
        )
        return ModelMetadata(
            name=found.name, versions=[VERSION], platform=NAME, inputs=inputs, outputs=outputs
        )

    async def model_ready(model: ModelName, request: Request, response: Response) -> Ready:
        """The server's own readiness, for a model that it has."""
        find(model, request)
        return readiness(response)

    async def infer(model: ModelName, request: Request) -> Response:
        """One image, or one pair, in; its arrays out."""
        found = find(model, request)
        asked, inputs = await asyncio.to_thread(
            read, await request.body(), request.headers.get(HEADER_LENGTH)
        )
        parameters = dict(asked.parameters)
        everything_binary = parameters.pop("binary_data_output", False) is True
        binary = {
            output.name: output.parameters.get("binary_data", everything_binary) is True
            for output in asked.outputs
        }

        def encode(answer: Answer) -> tuple[bytes, dict[str, str]]:
            chosen = {name for name in answer.arrays if binary.get(name, everything_binary)}
            told = {"model_name": found.name, "model_version": VERSION, "id": asked.id}
            return write(told, answer, chosen)

        work = models.infer(
            found,
            inputs,
            parameters,
            [output.name for output in asked.outputs],
            encode,
            timeout_s(parameters),
        )
        body, headers = await while_connected(request, work)
        media_type = BINARY if HEADER_LENGTH in headers else "application/json"
        return Response(body, headers=headers, media_type=media_type)

    answers = openapi.task_responses(
        InferAnswer,
        "The outputs.",
        [BINARY],
        {HEADER_LENGTH: "Bytes of the JSON, which the binary outputs follow (binary answers)."},
    )
    known = openapi.model_responses()
    for prefix in ("/models/{model}", "/models/{model}/versions/{version}"):
        in_schema = "version" not in prefix
        router.get(
            prefix,
            summary="What goes in and out?",
            name="inference_model",
            responses=known,
            include_in_schema=in_schema,
        )(metadata)
        router.get(
            f"{prefix}/ready",
            summary="May requests be sent?",
            name="inference_model_ready",
            responses={**known, **not_ready},
            include_in_schema=in_schema,
        )(model_ready)
        router.post(
            f"{prefix}/infer",
            summary="Run a model on tensors",
            name="infer",
            response_class=Response,
            responses=answers,
            openapi_extra=_INFER_BODY,
            include_in_schema=in_schema,
        )(infer)
    return router
