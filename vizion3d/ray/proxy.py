"""What Ray Serve's HTTP proxy is to say for itself: what the plain server would say.

Serve answers 500 where a replica is lost with a request under way, 408 where a request has had its
time, 404 where the application is not there (yet, or any more). A depth estimation changes nothing,
so the request can be sent again, and clients are told so, as problem details.
"""

import orjson
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vizion3d.errors import DeadlineExceededError, OverloadedError, Vizion3DError
from vizion3d.ray.waiting import note_arrival
from vizion3d.wire.problems import TYPE_PREFIX, status_of

PATH = "vizion3d.ray.proxy:middlewares"
VARIABLE = "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH"
"""By which Serve's proxies find :func:`middlewares`; set where Ray is started."""

_OF_SERVE = "text/plain"
_OURS = "x-content-type-options"
"""A header that every answer of the application has."""

LOST = OverloadedError("the replica that worked on the request was lost; send it again")
ABSENT = OverloadedError("the application is starting or stopping; send the request again")
LATE = DeadlineExceededError(
    "there was no result in time; try again when there is less load, send a smaller image, or "
    "allow more time"
)
_BUSY = OverloadedError("as many requests wait for a replica as may; try again in a moment")
_ERRORS = {404: ABSENT, 408: LATE, 500: LOST, 503: _BUSY}


def middlewares() -> list[Middleware]:
    """Of Serve's HTTP proxy."""
    return [Middleware(ServeErrors)]


class ServeErrors:
    """Notes when a request came; answers of Serve's own, and no answer at all, become problems.

    Args:
        app: Serve's proxy.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection, as ASGI calls it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        note_arrival(scope)
        has_answered = is_replaced = False

        async def told(message: Message) -> None:
            nonlocal has_answered, is_replaced
            has_answered = True
            if message["type"] == "http.response.start":
                headers = Headers(raw=message.get("headers", ()))
                error = _ERRORS.get(message["status"])
                if error is not None and _is_of_serve(headers):
                    is_replaced = True
                    await _problem(error, headers)(scope, receive, send)
            if not is_replaced:
                await send(message)

        await self._app(scope, receive, told)
        if not has_answered:
            await _problem(LOST, Headers())(scope, receive, send)


def _is_of_serve(headers: Headers) -> bool:
    return _OURS not in headers and headers.get("content-type", "").startswith(_OF_SERVE)


def _problem(error: Vizion3DError, serves: Headers) -> Response:
    """The answer that the plain server would give, with what Serve says of trying again."""
    status = status_of(error)
    content = {
        "type": TYPE_PREFIX + status.name,
        "title": status.title,
        "status": status.http,
        "detail": str(error),
        "request_id": serves.get("x-request-id", ""),
        "error": str(error),
    }
    answer = Response(orjson.dumps(content), status.http, media_type="application/problem+json")
    told = MutableHeaders(raw=answer.raw_headers)
    if status.http == 503:
        told["Retry-After"] = serves.get("retry-after", "1")
    return answer
