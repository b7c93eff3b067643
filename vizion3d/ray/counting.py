"""A replica's requests, timed from their arrival at Ray Serve's proxy."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from vizion3d.ray.waiting import ARRIVED, waited_s
from vizion3d.server.scheduler import having_waited


class CountWaiting:
    """Counts an HTTP request's time from its arrival at the proxy.

    Args:
        app: What answers it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection, as ASGI calls it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with having_waited(waited_s(Headers(scope=scope).get(ARRIVED))):
            await self._app(scope, receive, send)
