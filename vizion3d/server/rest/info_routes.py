"""What one may ask about the server."""

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from vizion3d.errors import CheckpointError, DeadlineExceededError, OverloadedError
from vizion3d.geometry.depth import ModelKind
from vizion3d.server.metrics import CONTENT_TYPE
from vizion3d.server.rest.openapi import error_responses, gate_responses, open_responses
from vizion3d.server.scheduler import State
from vizion3d.server.service import Service

router = APIRouter()


class Health(BaseModel):
    """The server answers."""

    status: Literal["alive"] = "alive"


class Readiness(BaseModel):
    """Whether to send requests here."""

    status: Literal["ready", "loading", "draining"]
    detail: str | None = Field(None, description="What a server that is not ready waits for.")


class Model(BaseModel):
    """A model that requests may name."""

    name: str = Field(description="What to write for model_backend.")
    default: bool = Field(description="Whether it is used where none is named.")
    variant: str | None = Field(description="vits, vitb, vitl ...; null: not known yet.")
    parameters: int | None
    licence: str | None = Field(description="SPDX identifier of the weights' licence.")
    licence_source: str | None = Field(description="Where the licence is stated.")
    commercial_use: bool | None = Field(description="Whether the licence allows it.")
    network: str | None = Field(description="The family of networks: Depth Anything V2 ...")
    depth_kind: ModelKind
    max_depth_m: float | None = Field(description="Range of a metric model, metres.")
    loaded: str | None = Field(description="The runtime that has it in memory.")
    here: bool = Field(description="Whether its file is on the server; else it is downloaded.")
    size_bytes: int | None = Field(description="Size of its file, exact or about.")


def service_of(request: Request) -> Service:
    """The application behind a request."""
    service: Service = request.app.state.service
    return service


@router.get("/health", summary="Is the server alive?", responses=open_responses())
async def health() -> Health:
    """Always, while the process answers at all."""
    return Health()


@router.get(
    "/ready",
    summary="May requests be sent?",
    response_model_exclude_none=True,
    responses={
        503: {"model": Readiness, "description": "Loading the model, or stopping."},
        **open_responses(),
    },
)
async def ready(request: Request, response: Response) -> Readiness:
    """503 until a model can answer, and from the moment that the server is told to stop."""
    service = service_of(request)
    state = service.scheduler.state
    response.status_code = 200 if state is State.READY else 503
    return Readiness(status=state.value, detail=service.not_ready_because)


@router.get(
    "/models",
    summary="Which models may be named?",
    responses={
        **gate_responses(),
        **error_responses(CheckpointError, OverloadedError, DeadlineExceededError),
    },
)
async def models(request: Request) -> list[Model]:
    """The default model first."""
    return [
        Model(
            name=info.name,
            default=is_default,
            variant=info.variant,
            parameters=info.parameters,
            licence=info.licence,
            licence_source=info.licence_source,
            commercial_use=info.commercial_use,
            network=info.network,
            depth_kind=info.depth_kind,
            max_depth_m=info.max_depth_m,
            loaded=info.loaded,
            here=info.cached,
            size_bytes=info.about_bytes,
        )
        for info, is_default in await service_of(request).models()
    ]


@router.get(
    "/metrics",
    summary="Counters for Prometheus",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
        **gate_responses(),
    },
)
async def metrics(request: Request) -> Response:
    """Requests, queue, stages, batches, model loads."""
    return Response(service_of(request).metrics.render(), media_type=CONTENT_TYPE)
