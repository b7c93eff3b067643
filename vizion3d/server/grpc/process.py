"""The gRPC server's process."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from prometheus_client import CollectorRegistry, start_http_server

from vizion3d.core.words import in_words
from vizion3d.errors import InvalidConfigError
from vizion3d.server.grpc.call import Context, call
from vizion3d.server.grpc.inference import INFERENCE_SERVICE, OPEN_METHODS
from vizion3d.server.grpc.servicer import LIFTING_SERVICE, handlers_of
from vizion3d.server.keys import ApiKeys
from vizion3d.server.leave import leave
from vizion3d.server.metrics import Metrics
from vizion3d.server.service import Service
from vizion3d.server.settings import ServerSettings
from vizion3d.wire.headers import API_KEY
from vizion3d.wire.problems import KeyRefusedError

logger = logging.getLogger(__name__)

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"

_KEY = API_KEY.lower()
_HEALTH = f"/{health.SERVICE_NAME}/"
_MESSAGE_OVERHEAD_BYTES = 1 << 16
_CONNECTION_IDLE_MS = 300_000


def serve(service: Service) -> None:
    """Serve until told to stop; does not return.

    Raises:
        InvalidConfigError: Settings that make no sense, or a port that is taken.
        CheckpointError: The model cannot be loaded.
    """
    asyncio.run(_serve(service))
    leave(0)


async def _serve(service: Service) -> None:
    stop = asyncio.Event()
    stop_on_signals(stop)
    settings = service.settings
    stopping = asyncio.create_task(stop.wait())
    loading = asyncio.create_task(service.load_selected())
    await asyncio.wait((stopping, loading), return_when=asyncio.FIRST_COMPLETED)
    if not loading.done():
        leave(0)
    loading.result()
    server, health_servicer = await build_server(service)
    port = _listen(server, settings)
    serve_metrics(settings, service.metrics.registry)
    logger.info("serving gRPC", extra={"host": settings.host, "port": port})
    ready = asyncio.create_task(serve_when_ready(service, server, health_servicer))
    await asyncio.wait((stopping, ready), return_when=asyncio.FIRST_COMPLETED)
    if ready.done():
        ready.result()
    await stopping
    ready.cancel()
    logger.info("stopping: finishing the requests under way")
    await health_servicer.enter_graceful_shutdown()
    await asyncio.gather(server.stop(settings.drain_timeout_s), service.stop())


async def serve_when_ready(service: Service, server: grpc.aio.Server, health_servicer: Any) -> None:
    """Answer, and say of one's health NOT_SERVING until a model can answer, then SERVING."""

    async def tell(status: Any) -> None:
        for name in ("", LIFTING_SERVICE, INFERENCE_SERVICE):
            await health_servicer.set(name, status)

    await tell(health_pb2.HealthCheckResponse.NOT_SERVING)  # before anybody can ask
    await server.start()
    await service.wait_for_defaults()
    await tell(health_pb2.HealthCheckResponse.SERVING)


def stop_on_signals(stop: asyncio.Event) -> None:
    """Set the event on SIGTERM and SIGINT."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # on Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))


def serve_metrics(settings: ServerSettings, registry: CollectorRegistry) -> None:
    """Serve the counters over HTTP, if the settings say on which port.

    Raises:
        InvalidConfigError: The port is taken.
    """
    if settings.metrics_port is None:
        return
    try:
        start_http_server(settings.metrics_port, settings.host, registry)
    except OSError as error:
        address = f"{settings.host}:{settings.metrics_port}"
        raise InvalidConfigError(
            f"the metrics cannot be served on {address}: {in_words(error)}"
        ) from error


async def build_server(service: Service) -> tuple[grpc.aio.Server, Any]:
    """The server in front of a service, not yet listening, and its health service."""
    limit = service.settings.max_body_bytes + _MESSAGE_OVERHEAD_BYTES
    options = (
        ("grpc.max_receive_message_length", limit),
        ("grpc.max_send_message_length", -1),
        ("grpc.max_connection_idle_ms", _CONNECTION_IDLE_MS),
        ("grpc.so_reuseport", 0),  # a second server on the port is an error, not a rival
    )
    server = grpc.aio.server(
        options=options, interceptors=(KeyInterceptor(service.keys, service.metrics),)
    )
    server.add_generic_rpc_handlers(handlers_of(service))
    health_servicer = health.aio.HealthServicer()  # type: ignore[attr-defined]  # re-exported
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
    reflection.enable_server_reflection((LIFTING_SERVICE, health.SERVICE_NAME), server)
    return server, health_servicer


def _listen(server: grpc.aio.Server, settings: ServerSettings) -> int:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"{host}:{settings.port}"
    try:
        if settings.tls_cert is None or settings.tls_key is None:
            return server.add_insecure_port(address)
        pair = (settings.tls_key.read_bytes(), settings.tls_cert.read_bytes())
        return server.add_secure_port(address, grpc.ssl_server_credentials([pair]))
    except (RuntimeError, OSError) as error:
        raise InvalidConfigError(
            f"the server cannot listen on {address}: {in_words(error)}"
        ) from error


class KeyInterceptor(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]  # not at run time
    """Lets RPCs through that bring a key; what tells health is open."""

    def __init__(self, keys: ApiKeys, metrics: Metrics) -> None:
        self._keys = keys
        self._metrics = metrics

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler:
        """Let the RPC through, or end it with ``UNAUTHENTICATED`` and count it."""
        details: Any = handler_call_details
        given = dict(details.invocation_metadata or ()).get(_KEY)
        is_open = details.method in OPEN_METHODS or details.method.startswith(_HEALTH)
        if is_open or self._keys.accepts(given):
            return await continuation(handler_call_details)
        rpc = details.method.rpartition("/")[2]
        return _refuse(await continuation(handler_call_details), rpc, self._metrics)


def _refuse(handler: "Handler", rpc: str, metrics: Metrics) -> "Handler":
    """A handler of the same shape that refuses, logged and counted like any other."""
    if handler is None:
        return handler

    async def refuse(_request: object, context: Context) -> None:
        async with call(context, rpc, metrics):
            raise KeyRefusedError(
                f"this server needs an API key: send it in the metadata {API_KEY.lower()}"
            )

    shape = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }[handler.request_streaming, handler.response_streaming]
    return shape(refuse, handler.request_deserializer, handler.response_serializer)
