"""Errors as problem details (RFC 9457)."""

import logging
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from vizion3d.core.remarks import current_remarks
from vizion3d.core.validation import explain_faults
from vizion3d.errors import InvalidConfigError, OverloadedError, Vizion3DError
from vizion3d.server.log import shortened
from vizion3d.wire.problems import INTERNAL, TYPE_PREFIX, detail_of, status_of

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
INFERENCE_PREFIX = "/v2/"
"""Where clients of the Open Inference Protocol ask, which look for a member ``error``."""
_MAX_SHOWN = 100


class Problem(BaseModel):
    """Why there is no result (RFC 9457)."""

    type: str = Field(description="Names the kind.", examples=["urn:vizion3d:overloaded"])
    title: str = Field(description="The kind of problem, for people.", examples=["Server busy"])
    status: int = Field(description="The HTTP status.", examples=[503])
    detail: str = Field(description="What was wrong with this request, and what to do.")
    request_id: str = Field(description="Names this request in the server's log.")


def problem(
    request: Request, name: str, title: str, status: int, detail: str, **headers: str
) -> Response:
    """The response that tells a problem; the log's line of the request has its kind and detail."""
    current_remarks().setdefault("reason", shortened(f"{name}: {detail}"))
    body = Problem(
        type=TYPE_PREFIX + name,
        title=title,
        status=status,
        detail=detail,
        request_id=request.scope["request_id"],
    )
    content = body.model_dump()
    if request.scope["path"].startswith(INFERENCE_PREFIX):
        content["error"] = detail
    return Response(orjson.dumps(content), status, headers, media_type=MEDIA_TYPE)


def add_problem_handlers(app: FastAPI) -> None:
    """Have every error of the application answered as a problem."""
    app.add_exception_handler(Vizion3DError, _of_ours)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(HTTPException, _of_http)


async def _of_ours(request: Request, error: Exception) -> Response:
    status = status_of(error)
    current_remarks()["reason"] = shortened(f"{status.name}: {error}")
    if status.detail is not None:
        logger.error("%s", error, extra={"request_id": request.scope["request_id"]})
    headers = {}
    if isinstance(error, OverloadedError):
        headers["Retry-After"] = f"{error.retry_after_s:.0f}"
    return problem(request, status.name, status.title, status.http, detail_of(error), **headers)


async def _of_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults: list[Any] = [{**fault, "loc": fault["loc"][1:]} for fault in error.errors()]
    for fault in faults:
        if "UploadFile" in fault["msg"]:  # FastAPI's, which speaks of its classes
            fault["msg"] = "a file's content, not text (curl: -F image=@photo.jpg)"
    status = status_of(InvalidConfigError())
    detail = explain_faults(faults)
    return problem(request, status.name, status.title, status.http, detail)


async def _of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = HTTPStatus(error.status_code)
    detail = {
        404: f"there is nothing at {_shown(request)}; see /docs",
        405: f"{request.method} is not possible at {_shown(request)}; see /docs",
    }.get(error.status_code, str(error.detail))
    name = code.phrase.lower().replace(" ", "-")
    return problem(request, name, code.phrase, code, detail, **dict(error.headers or {}))


def _shown(request: Request) -> str:
    # Not request.url: a Host header can be such that it cannot be parsed.
    path: str = request.scope["path"]
    return path if len(path) <= _MAX_SHOWN else f"{path[:_MAX_SHOWN]}..."


def internal(request: Request, error: Exception) -> Response:
    """The response to what nobody expected; its traceback is logged, and nothing of it told."""
    logger.error("%s", error, exc_info=error, extra={"request_id": request.scope["request_id"]})
    return problem(request, INTERNAL.name, INTERNAL.title, INTERNAL.http, detail_of(error))
