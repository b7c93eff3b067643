"""What Ray Serve's HTTP proxy is to say when a replica dies: try again.

Serve answers 500 where a replica is lost with a request under way. A depth estimation changes
nothing, so the request can be sent again, and clients are told so.
"""

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PATH = "vizion3d.ray.proxy:middlewares"
VARIABLE = "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH"
"""By which Serve's proxies find :func:`middlewares`; set where Ray is started."""

_OURS = "application/problem+json"
_LOST = "the replica that worked on the request was lost; send it again"


def middlewares() -> list[Middleware]:
    """Of Serve's HTTP proxy."""
    return [Middleware(LostReplicas)]


class LostReplicas:
    """What is none of the application's own becomes 503, to be tried again in a moment: status 500,
    and no answer at all."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection, as ASGI calls it."""
        has_answered = False

        async def told(message: Message) -> None:
            nonlocal has_answered
            has_answered = True
            if message["type"] == "http.response.start" and message["status"] == 500:
                is_ours = Headers(raw=message["headers"]).get("content-type") == _OURS
                if not is_ours:
                    message["status"] = 503
                    MutableHeaders(scope=message)["Retry-After"] = "1"
            await send(message)

        await self._app(scope, receive, told)
        if scope["type"] == "http" and not has_answered:
            lost = PlainTextResponse(_LOST, 503, {"Retry-After": "1"})
            await lost(scope, receive, send)
