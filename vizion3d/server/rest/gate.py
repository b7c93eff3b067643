"""What every request passes before a route sees it."""

import asyncio
import logging
import time
from collections.abc import Collection
from typing import Any

from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vizion3d.core.remarks import Remarks, remarks
from vizion3d.server.log import access, request_id
from vizion3d.server.rest.connection import ClientLeftError
from vizion3d.server.rest.problems import internal, problem
from vizion3d.server.service import Service
from vizion3d.wire.headers import API_KEY, REQUEST_ID

_HEALTH = frozenset({"/health", "/ready", "/v2/health/live", "/v2/health/ready"})
PROBES = _HEALTH | {"/metrics"}
"""What machines ask all the time: the log has it at level debug, unless it fails."""

OPEN_PATHS = _HEALTH | {"/", "/docs", "/openapi.json"}
"""What needs no key: a load balancer asks, or a browser, which can send one only from the page."""
OPEN_FOLDERS = ("/ui/", "/docs/assets/")

_LINGER_S = 1.0
_MAX_SHOWN = 100


class BodyTooLargeError(HTTPException):
    """More bytes have arrived than the server reads."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(
            413,
            f"the request's body is larger than {limit_bytes:,} bytes; scale the image down",
            {"Connection": "close"},
        )


class BodyTooSlowError(HTTPException):
    """The body has not arrived in time."""

    def __init__(self, limit_s: float) -> None:
        super().__init__(
            408, f"the request's body did not arrive within {limit_s:g} s", {"Connection": "close"}
        )


class Gate:
    """Request id, key, limits of the body, access log and metrics; plain ASGI, copies nothing.

    Args:
        app: What is behind it.
        service: Knows the limits and the keys.
        forms: Paths that take multipart forms only.
    """

    def __init__(self, app: ASGIApp, service: Service, forms: Collection[str] = ()) -> None:
        self._app = app
        self._service = service
        self._forms = frozenset(forms)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection, as ASGI calls it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        passage = _Passage(scope, receive, send, self._service, self._forms)
        with remarks() as passage.remarks:
            await self._pass(passage, scope)

    async def _pass(self, passage: "_Passage", scope: Scope) -> None:
        try:
            refusal = passage.refusal()
            app = refusal or self._app
            await app(scope, passage.receive, passage.send)
        except ClientLeftError:
            pass
        # Told like every other answer: by its id, to the client, in the log and in the metrics.
        except Exception as error:
            if passage.has_answered:
                raise
            await internal(Request(scope), error)(scope, passage.receive, passage.send)
        finally:
            passage.tell()


def _unsupported(request: Request, detail: str) -> ASGIApp:
    return problem(request, "unsupported-media-type", "Unsupported Media Type", 415, detail)


class _Passage:
    """One request on its way through the gate."""

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        service: Service,
        forms: frozenset[str],
    ) -> None:
        self._scope, self._receive, self._send, self._service = scope, receive, send, service
        self._forms = forms
        self._headers = Headers(scope=scope)
        self._begin = time.perf_counter()
        self._received_bytes, self._sent_bytes, self._status = 0, 0, 0
        self._body_complete = False
        self.remarks: Remarks = {}
        scope["request_id"] = request_id(self._headers.get(REQUEST_ID))

    def refusal(self) -> ASGIApp | None:
        """The answer to a request that goes no further."""
        settings, request = self._service.settings, Request(self._scope)
        length = self._headers.get("content-length", "")
        if length.isdecimal() and int(length) > settings.max_body_bytes:
            error = BodyTooLargeError(settings.max_body_bytes)
            return problem(
                request,
                "content-too-large",
                "Content Too Large",
                413,
                error.detail,
                Connection="close",
            )
        path = self._scope["path"]
        if path not in OPEN_PATHS and not path.startswith(OPEN_FOLDERS):
            if not self._service.keys.accepts(self._headers.get(API_KEY)):
                detail = f"this server needs an API key: send it in the header {API_KEY}"
                return problem(request, "unauthorized", "Unauthorized", 401, detail)
            encoding = self._headers.get("content-encoding", "identity").lower()
            if encoding != "identity":
                detail = f"the body is {encoding[:_MAX_SHOWN]!r}-encoded; send it as it is"
                return _unsupported(request, detail)
            if path in self._forms and self._scope["method"] == "POST":
                media_type = self._headers.get("content-type", "none").lower()
                if not media_type.startswith("multipart/form-data"):
                    detail = (
                        f"the body's type is {media_type[:_MAX_SHOWN]!r}; send it as "
                        "multipart/form-data (curl: -F image=@photo.jpg)"
                    )
                    return _unsupported(request, detail)
        return None

    @property
    def has_answered(self) -> bool:
        """Whether an answer is under way."""
        return self._status > 0

    async def receive(self) -> Message:
        """The next piece of the body, within the limits of size and time."""
        settings = self._service.settings
        if self._body_complete:
            return await self._receive()
        remaining_s = self._begin + settings.receive_timeout_s - time.perf_counter()
        try:
            async with asyncio.timeout(remaining_s):
                message = await self._receive()
        except TimeoutError:
            raise BodyTooSlowError(settings.receive_timeout_s) from None
        self._received_bytes += len(message.get("body", b""))
        if self._received_bytes > settings.max_body_bytes:
            raise BodyTooLargeError(settings.max_body_bytes)
        self._body_complete = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Pass the answer on, with the headers that every answer has."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = MutableHeaders(scope=message)
            headers[REQUEST_ID] = self._scope["request_id"]
            headers.setdefault("X-Content-Type-Options", "nosniff")
            headers.setdefault("Cache-Control", "no-store")
        elif message["type"] == "http.response.body":
            self._sent_bytes += len(message.get("body", b""))
            if self._status == 413 and not message.get("more_body", False):
                await self._send({**message, "more_body": True})
                await self._linger()
                message = {"type": "http.response.body", "body": b""}
        await self._send(message)

    async def _linger(self) -> None:
        """Read on for a moment: closing on unread bytes would reset the connection, and with it
        the answer."""
        try:
            async with asyncio.timeout(_LINGER_S):
                while (await self._receive()).get("more_body", False):
                    pass
        except TimeoutError:
            pass

    def tell(self) -> None:
        """Log and count the request."""
        route = getattr(self._scope.get("route"), "path", "unmatched")
        seconds = time.perf_counter() - self._begin
        outcome = str(self._status) if self._status else "disconnected"
        self._service.metrics.request(route, outcome, seconds)
        fields: dict[str, Any] = {
            "request_id": self._scope["request_id"],
            "method": self._scope["method"],
            "path": self._scope["path"],
            "status": self._status,
            "seconds": round(seconds, 4),
            "received_bytes": self._received_bytes,
            "sent_bytes": self._sent_bytes,
            "client": self._client(),
            **self.remarks,
        }
        probe = self._scope["path"] in PROBES and self._status < 400
        access.log(logging.DEBUG if probe else logging.INFO, "request", extra=fields)

    def _client(self) -> str:
        """Address of whoever sent it: as the connection has it, or as trusted proxies tell."""
        address = (self._scope.get("client") or ("",))[0]
        told = ",".join(self._headers.getlist("x-forwarded-for"))
        return self._service.settings.client_of(address, told)
