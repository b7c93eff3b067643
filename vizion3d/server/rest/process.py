"""The REST server's process: uvicorn, with a slower end."""

import asyncio
import logging
import os
import signal
import socket
import tempfile
from collections.abc import Callable
from functools import partial
from types import FrameType

import uvicorn
from fastapi import FastAPI

from vizion3d.core.words import in_words
from vizion3d.errors import InvalidConfigError, Vizion3DError
from vizion3d.server.leave import leave
from vizion3d.server.log import set_up_log
from vizion3d.server.rest.protocol import PatientProtocol
from vizion3d.server.rest.workers import supervise
from vizion3d.server.service import Service
from vizion3d.server.settings import ServerSettings

logger = logging.getLogger(__name__)

_BACKLOG = 2048


class DrainingServer(uvicorn.Server):
    """On SIGTERM or SIGINT: not ready, finish what is under way, then leave with 0.

    uvicorn would close its port at once and end by the signal; a load balancer would see broken
    connections instead of a server that is not ready.
    """

    _told_to_stop = False
    _draining: "asyncio.Task[None] | None" = None
    exit_code = 0

    @property
    def service(self) -> Service:
        """The application's service, once it has started."""
        service: Service = self.lifespan.state["service"]
        return service

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 (uvicorn's signature)
        """Take a signal: the first asks to stop, a second Ctrl-C stops at once."""
        if self._told_to_stop and sig == signal.SIGINT:
            self.should_exit = self.force_exit = True
        self._told_to_stop = True

    async def on_tick(self, counter: int) -> bool:
        """Several times a second: end if loading has failed, drain once told to stop."""
        loading: asyncio.Task[None] = self.lifespan.state["loading"]
        if loading.done() and loading.exception() is not None:
            self.exit_code, self.should_exit = 1, True
        if self._told_to_stop and self._draining is None:
            self._draining = asyncio.create_task(self._drain())
        return await super().on_tick(counter)

    async def _drain(self) -> None:
        logger.info("stopping: finishing the requests under way")
        await self.service.stop()
        self.should_exit = True


Build = Callable[[ServerSettings], FastAPI]


def serve(build: Build, settings: ServerSettings) -> None:
    """Serve until told to stop; does not return.

    Args:
        build: Makes the application; picklable, for several workers.
        settings: Of the server.

    Raises:
        InvalidConfigError: Settings that make no sense, or a port that is taken.
    """
    if settings.workers == 1:
        server = DrainingServer(_configure(build(settings), settings))
        server.run([_listen(settings)])
        leave(server.exit_code)
    listening = _listen(settings)
    with tempfile.TemporaryDirectory(prefix="vizion3d-metrics-") as folder:
        # Read by prometheus-client when a worker imports it: its counters go to files here.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        code = supervise(partial(run_worker, build, settings, listening), settings.workers)
    leave(code)


def run_worker(build: Build, settings: ServerSettings, listening: socket.socket) -> None:
    """One of several processes behind one port."""
    set_up_log(settings.log_level)
    try:
        app = build(settings)
    except Vizion3DError as error:
        logger.error("%s", error)
        leave(1)
    server = DrainingServer(_configure(app, settings))
    server.run([listening])
    leave(server.exit_code)


def _listen(settings: ServerSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listening = socket.create_server(
            (settings.host, settings.port), family=family, backlog=_BACKLOG
        )
    except OSError as error:
        address = f"{settings.host}:{settings.port}"
        raise InvalidConfigError(
            f"the server cannot listen on {address}: {in_words(error)}"
        ) from error
    scheme = "https" if settings.tls_cert else "http"
    host, port = listening.getsockname()[:2]
    logger.info("serving REST", extra={"url": f"{scheme}://{host}:{port}"})
    return listening


def _configure(app: FastAPI, settings: ServerSettings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=PatientProtocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=2,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=str(settings.tls_key) if settings.tls_key else None,
    )
