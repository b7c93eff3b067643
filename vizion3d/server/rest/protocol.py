"""HTTP on one connection: uvicorn's, with a shorter patience and answers of our own."""

import asyncio
import logging
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from vizion3d.server.log import request_id
from vizion3d.server.rest.problems import MEDIA_TYPE, Problem
from vizion3d.server.service import Service
from vizion3d.wire.problems import TYPE_PREFIX

logger = logging.getLogger(__name__)


class PatientProtocol(H11Protocol):
    """Closes a connection whose request's headers do not arrive; uvicorn waits for ever."""

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """A client has connected: wait for its first request's headers."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Bytes have come: wait on, unless a request is under way now."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()
        elif self._waiting is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone: wait no longer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Tell that this is no HTTP; uvicorn's own is plain text, and fails after an answer."""
        if self.cycle is not None and not self.cycle.response_complete:
            # Whoever works on it need not answer any more.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.write(self._bad_request(msg))
        self.transport.close()

    def _bad_request(self, detail: str) -> bytes:
        identity = request_id(None)
        logger.warning("%s", detail, extra={"request_id": identity, "client": self.client})
        body = Problem(
            type=TYPE_PREFIX + "bad-request",
            title="Bad Request",
            status=400,
            detail="what arrived is not valid HTTP/1.1, or its headers are too large",
            request_id=identity,
        )
        content = body.model_dump_json().encode()
        headers = [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", str(len(content)).encode()),
            (b"x-request-id", identity.encode()),
            (b"connection", b"close"),
        ]
        events = (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=content),
            h11.EndOfMessage(),
        )
        return b"".join(self.conn.send(event) or b"" for event in events)

    def _wait(self) -> None:
        service: Service = self.app_state["service"]
        timeout_s = service.settings.receive_timeout_s
        self._waiting = self.loop.call_later(timeout_s, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
