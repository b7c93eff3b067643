"""Both servers and their clients in this process: no port, no other process, milliseconds."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import grpc
import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from vizion3d.client import GrpcClient, RestClient
from vizion3d.server.grpc.process import build_server
from vizion3d.server.rest.app import create_app
from vizion3d.server.scheduler import State
from vizion3d.server.service import Service

T = TypeVar("T")


class Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T], timeout_s: float = 60) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout_s)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class AsgiAdapter(BaseAdapter):
    """Hands the requests of a ``requests`` session to an ASGI application."""

    def __init__(self, app: Any, loop: Loop) -> None:
        super().__init__()
        self._app, self._loop = app, loop

    # The options of a real adapter are all taken, and none is used.
    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        status, headers, body = self._loop.run(self._call(request))
        response = requests.Response()
        response.status_code, response.headers = status, CaseInsensitiveDict(headers)
        response._content, response.request, response.url = body, request, request.url or ""
        return response

    def close(self) -> None:
        pass

    async def _call(
        self, request: requests.PreparedRequest
    ) -> tuple[int, Mapping[str, str], bytes]:
        parts = urlsplit(request.url or "")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": "http",
            "path": unquote(parts.path),
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "root_path": "",
            "headers": [(k.lower().encode(), str(v).encode()) for k, v in request.headers.items()],
            "client": ("in-process", 0),
            "server": ("in-process", 80),
            "state": {},
        }
        body = request.body or b""
        content = body.encode() if isinstance(body, str) else bytes(body)
        arriving = [{"type": "http.request", "body": content, "more_body": False}]
        told: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if arriving:
                return arriving.pop()
            await asyncio.Event().wait()  # the client stays
            raise AssertionError

        async def send(message: dict[str, Any]) -> None:
            told.append(message)

        await self._app(scope, receive, send)
        start, *pieces = told
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in start["headers"]}
        return start["status"], headers, b"".join(piece.get("body", b"") for piece in pieces)


@contextmanager
def over_rest(service: Service) -> Iterator[RestClient]:
    """A REST client of the service."""
    loop = Loop()
    try:
        loop.run(service.load_selected())
        service.scheduler.state = State.READY
        with RestClient("http://in-process") as client:
            client._session.mount("http://in-process", AsgiAdapter(create_app(service), loop))
            yield client
        loop.run(service.stop())
    finally:
        loop.close()


@contextmanager
def over_grpc(service: Service, **client: Any) -> Iterator[GrpcClient]:
    """A gRPC client of the service, over a socket in a folder."""
    loop = Loop()

    async def start() -> grpc.aio.Server:
        await service.load_selected()
        server, _ = await build_server(service)
        server.add_insecure_port(address)
        await server.start()
        return server

    async def stop() -> None:
        await asyncio.gather(server.stop(0), service.stop())

    try:
        with TemporaryDirectory(prefix="grpc") as folder:
            address = f"unix:{Path(folder) / 'socket'}"
            server = loop.run(start())
            with GrpcClient(address, **client) as connected:
                yield connected
            loop.run(stop())
    finally:
        loop.close()
