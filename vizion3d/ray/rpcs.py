"""The servicers behind Ray Serve's gRPC proxy.

Serve's proxy hands a request and what it knows of the call to a method of the replica by the RPC's
name. Here that method finds the very handler that our own gRPC server has.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import grpc

from vizion3d.proto import open_inference_pb2 as inference
from vizion3d.ray.grpc_proxy import REMAINING
from vizion3d.ray.waiting import ARRIVED, waited_s
from vizion3d.server.grpc.inference import INFERENCE_SERVICE, OPEN_METHODS
from vizion3d.server.grpc.servicer import LIFTING_SERVICE
from vizion3d.server.keys import ApiKeys
from vizion3d.server.scheduler import having_waited
from vizion3d.wire.headers import API_KEY
from vizion3d.wire.problems import KeyRefusedError, detail_of, status_of

Metadata = Sequence[tuple[str, str]]

SERVICERS = (
    "vizion3d.ray.grpc_proxy.extend",
    "vizion3d.proto.lifting_pb2_grpc.add_LiftingServiceServicer_to_server",
    "vizion3d.ray.rpcs.add_inference",
)
"""Import paths of what Serve's proxy does to its server, in this order."""

UNARY = (
    *((LIFTING_SERVICE, name) for name in ("RunDepthEstimation", "RunStereoDepth", "ListModels")),
    *(
        (INFERENCE_SERVICE, method.name)
        for method in inference.DESCRIPTOR.services_by_name["GRPCInferenceService"].methods
    ),
)
STREAMS = tuple((LIFTING_SERVICE, name) for name in ("StreamDepthEstimation", "StreamStereoDepth"))


def add_inference(servicer: Any, server: Any) -> None:
    """Add the Open Inference Protocol's service, under its published name."""
    methods = inference.DESCRIPTOR.services_by_name["GRPCInferenceService"].methods
    handlers = {
        method.name: grpc.unary_unary_rpc_method_handler(
            getattr(servicer, method.name),
            getattr(inference, method.input_type.name).FromString,
            getattr(inference, method.output_type.name).SerializeToString,
        )
        for method in methods
    }
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(INFERENCE_SERVICE, handlers),)
    )


class AbortedError(Exception):
    """The call has ended, and its context says how."""


class ServeContext:
    """What our servicers ask of a call, on what Ray Serve knows of it.

    Serve sends no initial metadata: they follow with the trailing ones. The client's deadline comes
    with what :mod:`vizion3d.ray.grpc_proxy` adds to the metadata.

    Args:
        inner: Serve's context.
    """

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._initial: Metadata = ()

    def invocation_metadata(self) -> Metadata:
        """What the client sent."""
        metadata: Metadata = self._inner.invocation_metadata()
        return metadata

    def peer(self) -> str:
        """The client's address."""
        peer: str = self._inner.peer()
        return peer

    def time_remaining(self) -> float | None:
        """Seconds that the client still waited when the proxy took the call; ``None``: for ever, or
        not known."""
        told = dict(self.invocation_metadata()).get(REMAINING)
        return None if told in (None, "") else float(told)

    def waited_s(self) -> float:
        """Seconds since the proxy took the call; 0: not known."""
        return waited_s(dict(self.invocation_metadata()).get(ARRIVED))

    async def send_initial_metadata(self, metadata: Metadata) -> None:
        """Keep it, to be sent at the end."""
        self._initial = metadata
        self._inner.set_trailing_metadata(list(metadata))

    async def abort(self, code: grpc.StatusCode, details: str, trailing: Metadata = ()) -> None:
        """End the call.

        Raises:
            AbortedError: Always.
        """
        self._inner.set_code(code)
        self._inner.set_details(details)
        self._inner.set_trailing_metadata([*self._initial, *trailing])
        raise AbortedError


class Details:
    """What a gRPC server asks its handlers by."""

    def __init__(self, method: str) -> None:
        self.method = method
        self.invocation_metadata: Metadata = ()


class Rpcs:
    """The handlers of a service, by the RPCs' paths.

    Args:
        handlers: Of :func:`vizion3d.server.grpc.servicer.handlers_of`.
        keys: Which let a call through.
    """

    def __init__(self, handlers: Sequence[Any], keys: ApiKeys) -> None:
        self._handlers = handlers
        self._keys = keys

    async def unary(self, path: str, request: Any, inner: Any) -> Any:
        """One request, one answer; an empty one where the context says what was wrong."""
        handler = self._find(path)
        context = ServeContext(inner)
        try:
            await self._check(path, handler, context)
            with having_waited(context.waited_s()):
                return await handler.unary_unary(request, context)
        except AbortedError:
            return _empty(path)

    async def stream(self, path: str, requests: AsyncIterator[Any], inner: Any) -> Any:
        """Frame after frame."""
        handler = self._find(path)
        context = ServeContext(inner)
        try:
            await self._check(path, handler, context)
            async for outcome in handler.stream_stream(requests, context):
                yield outcome
        except AbortedError:
            return

    def _find(self, path: str) -> Any:
        for handler in self._handlers:
            if (found := handler.service(Details(path))) is not None:
                return found
        return None

    async def _check(self, path: str, handler: Any, context: ServeContext) -> None:
        if handler is None:
            await context.abort(
                grpc.StatusCode.UNIMPLEMENTED, "this server does not serve that; see its flags"
            )
        given = dict(context.invocation_metadata()).get(API_KEY.lower())
        if path not in OPEN_METHODS and not self._keys.accepts(given):
            refused = KeyRefusedError(
                f"this server needs an API key: send it in the metadata {API_KEY.lower()}"
            )
            code: grpc.StatusCode = grpc.StatusCode[status_of(refused).grpc]
            await context.abort(code, detail_of(refused))


def _empty(path: str) -> Any:
    """An answer of the right type, which is not looked at."""
    from vizion3d.proto import lifting_pb2 as lifting

    service, _, name = path.strip("/").partition("/")
    module: Any = lifting if service == LIFTING_SERVICE else inference
    methods = module.DESCRIPTOR.services_by_name[service.rpartition(".")[2]].methods_by_name
    return getattr(module, methods[name].output_type.name)()


def add_rpcs(replica: type) -> type:
    """Give a replica's class a method for every RPC, by its name; it has ``rpcs``."""
    for service, name in UNARY:
        setattr(replica, name, _unary(f"/{service}/{name}"))
    for service, name in STREAMS:
        setattr(replica, name, _stream(f"/{service}/{name}"))
    return replica


def _unary(path: str) -> Callable[..., Any]:
    async def call(self: Any, request: Any, grpc_context: Any) -> Any:
        return await self.rpcs.unary(path, request, grpc_context)

    return call


def _stream(path: str) -> Callable[..., Any]:
    async def call(self: Any, requests: Any, grpc_context: Any) -> Any:
        async for outcome in self.rpcs.stream(path, requests, grpc_context):
            yield outcome

    return call
