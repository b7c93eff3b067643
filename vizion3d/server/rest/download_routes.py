"""Having an offered model downloaded, how far that is, and calling it off.

A server has these routes where its settings say so (``--downloads``); ``vizion3d ui`` does.
"""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from vizion3d.checkpoints.commands import BeginDownloadCommand, CallOffDownloadCommand
from vizion3d.checkpoints.queries import DownloadQuery
from vizion3d.checkpoints.transfers import Transfer
from vizion3d.errors import (
    CheckpointError,
    DownloadError,
    DownloadReason,
    LicenceError,
    ModelNotAllowedError,
)
from vizion3d.server.rest.info_routes import service_of
from vizion3d.server.rest.openapi import error_responses, gate_responses

router = APIRouter()

_PATH = "/models/{name:path}/download"
_RESPONSES = {
    **gate_responses(),
    **error_responses(ModelNotAllowedError, LicenceError, CheckpointError),
}


class Download(BaseModel):
    """How far the download of a model is."""

    name: str = Field(description="The model.")
    state: Literal["absent", "downloading", "here", "failed"]
    done_bytes: int = Field(description="Bytes that are here.")
    total_bytes: int | None = Field(description="Length of the file, exact or about; null: unknown")
    reason: DownloadReason | None = Field(description="Which kind of failure the last try was.")
    error: str | None = Field(description="What happened then, and what to do.")


async def _own_pages_only(request: Request) -> None:
    """Refuse what a web page of another origin sends: it needs no permission to send it.

    Raises:
        HTTPException: 403.
    """
    if request.headers.get("sec-fetch-site", "none") == "cross-site":
        raise HTTPException(403, "a web page of another origin may not start or stop downloads")


def _told(name: str, transfer: Transfer) -> Download:
    error = transfer.error
    return Download(
        name=name,
        state=transfer.state,
        done_bytes=transfer.done_bytes,
        total_bytes=transfer.total_bytes,
        reason=error.reason if error else None,
        error=str(error) if error else None,
    )


OwnPagesOnly = Annotated[None, Depends(_own_pages_only)]


@router.post(_PATH, summary="Download a model", status_code=202, responses=_RESPONSES)
async def begin_download(name: str, request: Request, _: OwnPagesOnly) -> Download:
    """Begins in the background; ask with GET how far it is. A model that is here stays as it is."""
    service = service_of(request)
    try:
        return _told(name, await service.dispatch(BeginDownloadCommand(service.offered(name))))
    except DownloadError as error:  # this server may not download anything
        return _told(name, Transfer("failed", error=error))


@router.get(_PATH, summary="How far is the download?", responses=_RESPONSES)
async def download(name: str, request: Request) -> Download:
    """The state of one model's file."""
    service = service_of(request)
    return _told(name, await service.ask(DownloadQuery(service.offered(name))))


@router.delete(_PATH, summary="Call a download off", responses=_RESPONSES)
async def call_off_download(name: str, request: Request, _: OwnPagesOnly) -> Download:
    """What has come is kept: the next download goes on from there."""
    service = service_of(request)
    return _told(name, await service.dispatch(CallOffDownloadCommand(service.offered(name))))
