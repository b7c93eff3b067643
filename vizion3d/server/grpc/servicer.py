"""The RPCs of a task, and the one about models."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import grpc
from google.protobuf.message import Message

from vizion3d.checkpoints.queries import ModelInfo
from vizion3d.proto import lifting_pb2 as pb
from vizion3d.server.grpc.call import Context, call, log_error
from vizion3d.server.grpc.inference import InferenceServicer
from vizion3d.server.grpc.methods import Methods
from vizion3d.server.grpc.sequence import Place, Sequence
from vizion3d.server.service import Service
from vizion3d.task import adapters
from vizion3d.wire.problems import detail_of, status_of

Handler: TypeAlias = "grpc.GenericRpcHandler[Any, Any]"

LIFTING_SERVICE = pb.DESCRIPTOR.services_by_name["LiftingService"].full_name

FRAMES_AHEAD = 3
"""Frames of one stream that are under way: one at the network, its neighbours beside it."""


def handlers_of(service: Service) -> list[Handler]:
    """What answers the RPCs of the service's tasks; others are unimplemented."""
    tasks = [TaskServicer(service, m) for m in adapters(service.tasks, "grpc", Methods)]
    return [
        *(task.handler() for task in tasks),
        ModelsServicer(service).handler(),
        InferenceServicer(service).handler(),
    ]


class TaskServicer:
    """Translates one task's messages for the service.

    Args:
        service: The served application.
        methods: The task's RPCs.
    """

    def __init__(self, service: Service, methods: Methods[Any, Any, Any, Any]) -> None:
        self._service = service
        self._methods = methods

    def handler(self) -> Handler:
        """The task's methods, by their names."""
        rpc = self._methods.rpc
        methods = {
            rpc.unary: grpc.unary_unary_rpc_method_handler(
                self.run, rpc.request.FromString, rpc.response.SerializeToString
            )
        }
        if rpc.stream is not None:
            methods[rpc.stream] = grpc.stream_stream_rpc_method_handler(
                self.stream, rpc.request.FromString, _serialize
            )
        return grpc.method_handlers_generic_handler(rpc.service, methods)

    async def run(self, request: Any, context: Context) -> Any:
        """One request, one answer."""
        async with call(context, self._methods.rpc.unary, self._service.metrics):
            return await self._answer(request, context.time_remaining())
        raise AssertionError("call() aborts or lets the result through")

    async def stream(
        self, requests: AsyncIterator[Any], context: Context
    ) -> AsyncIterator[Message]:
        """Frame after frame, in order, each outcome as soon as it is done.

        Reading goes on meanwhile, a few frames ahead of the outcomes that were taken.
        """
        name = self._methods.rpc.stream or ""
        async with call(context, name, self._service.metrics) as identity:
            frames: asyncio.Queue[asyncio.Task[Message] | None] = asyncio.Queue()
            room = asyncio.Semaphore(FRAMES_AHEAD)
            under_way: set[asyncio.Task[Message]] = set()
            sequence = Sequence(self._methods.follow)

            async def read() -> None:
                try:
                    await room.acquire()
                    async for index, request in _numbered(requests):
                        place = sequence.place(request)
                        frame = asyncio.create_task(self._frame(index, request, identity, place))
                        under_way.add(frame)
                        frames.put_nowait(frame)
                        await room.acquire()
                finally:
                    frames.put_nowait(None)

            reading = asyncio.create_task(read())
            try:
                while (frame := await frames.get()) is not None:
                    yield await frame
                    under_way.discard(frame)
                    room.release()
                await reading  # raises what ended it
            finally:
                for task in (reading, *under_way):
                    task.cancel()

    async def _answer(
        self, request: Any, timeout_s: float | None = None, *, patient: bool = False
    ) -> Any:
        command = self._methods.read(request)
        return await self._service.run(
            command,
            lambda result: self._methods.write(result, command, request),
            timeout_s,
            patient=patient,
        )

    async def _answer_in_place(self, request: Any, place: Place) -> Any:
        command = self._methods.read(request)
        result = await self._service.run(command, lambda result: result, patient=True)
        result = await place.take(result)
        return await asyncio.to_thread(self._methods.write, result, command, request)

    async def _frame(self, index: int, request: Any, identity: str, place: Place) -> Message:
        """One frame's outcome: whatever is wrong with it is its own."""
        told: dict[str, Any]
        try:
            if place.follows:
                told = {"result": await self._answer_in_place(request, place)}
            else:
                told = {"result": await self._answer(request, patient=True)}
        except Exception as error:  # noqa: BLE001 (told to the client in the frame's place)
            code: grpc.StatusCode = log_error(error, identity)
            told = {
                "error": pb.FrameError(
                    code=code.value[0], detail=detail_of(error), problem=status_of(error).name
                )
            }
        await place.leave()
        message: Message = self._methods.rpc.outcome(index=index, **told)
        return message


class ModelsServicer:
    """Tells which models there are.

    Args:
        service: The served application.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    def handler(self) -> Handler:
        """The methods, by their names."""
        listing = grpc.unary_unary_rpc_method_handler(
            self.list_models, pb.ListModelsRequest.FromString, _serialize
        )
        return grpc.method_handlers_generic_handler(LIFTING_SERVICE, {"ListModels": listing})

    async def list_models(
        self, _request: pb.ListModelsRequest, context: Context
    ) -> pb.ListModelsResponse:
        """The offered models, the defaults first."""
        async with call(context, "ListModels", self._service.metrics):
            models = [write_model(info, default) for info, default in await self._service.models()]
            return pb.ListModelsResponse(models=models)
        raise AssertionError("call() aborts or lets the result through")


def write_model(info: ModelInfo, is_default: bool) -> pb.ModelInfo:
    """What is known of an offered model."""
    return pb.ModelInfo(
        name=info.name,
        is_default=is_default,
        variant=info.variant,
        parameters=info.parameters,
        licence=info.licence,
        depth_kind=info.depth_kind,
        commercial_use=info.commercial_use,
        licence_source=info.licence_source,
        network=info.network,
        max_depth_m=info.max_depth_m,
        loaded=info.loaded,
    )


async def _numbered(requests: AsyncIterator[Any]) -> AsyncIterator[tuple[int, Any]]:
    index = 0
    async for request in requests:
        yield index, request
        index += 1


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()
