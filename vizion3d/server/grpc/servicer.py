"""The RPCs of ``vizion3d.lifting.LiftingService``."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

import grpc

from vizion3d.lifting.models import DepthEstimationAdvanceConfig, DepthEstimationResult
from vizion3d.proto import lifting_pb2 as pb
from vizion3d.proto import lifting_pb2_grpc as pb_grpc
from vizion3d.server.grpc.call import Context, call, log_error
from vizion3d.server.grpc.messages import read_request, write_model, write_response
from vizion3d.server.service import DepthService
from vizion3d.server.status import detail_of, status_of

_FRAMES_AHEAD = 3
"""Frames of one stream that are under way: one at the network, its neighbours beside it."""


class LiftingServicer(pb_grpc.LiftingServiceServicer):
    """Translates messages for the service.

    Args:
        service: The served application.
    """

    def __init__(self, service: DepthService) -> None:
        self._service = service

    async def RunDepthEstimation(  # noqa: N802 (the contract's name)
        self, request: pb.DepthEstimationRequest, context: Context
    ) -> pb.DepthEstimationResponse:
        """Depth of one image."""
        async with call(context, "RunDepthEstimation", self._service.metrics):
            return await self._estimate(request, context.time_remaining())
        raise AssertionError("call() aborts or lets the result through")

    async def StreamDepthEstimation(  # noqa: N802
        self, request_iterator: AsyncIterator[pb.DepthEstimationRequest], context: Context
    ) -> AsyncIterator[pb.FrameOutcome]:
        """Depth of frame after frame, in order; reads on only as outcomes are taken."""
        async with call(context, "StreamDepthEstimation", self._service.metrics) as identity:
            under_way: deque[asyncio.Task[pb.FrameOutcome]] = deque()
            try:
                index = 0
                async for request in request_iterator:
                    frame = self._frame(index, request, identity)
                    under_way.append(asyncio.create_task(frame))
                    index += 1
                    if len(under_way) == _FRAMES_AHEAD:
                        yield await under_way.popleft()
                while under_way:
                    yield await under_way.popleft()
            finally:
                for task in under_way:
                    task.cancel()

    async def ListModels(  # noqa: N802
        self, _request: pb.ListModelsRequest, context: Context
    ) -> pb.ListModelsResponse:
        """The offered models, the default first."""
        async with call(context, "ListModels", self._service.metrics):
            default = self._service.offer.default
            models = [write_model(info, default) for info in await self._service.models()]
            return pb.ListModelsResponse(models=models)
        raise AssertionError("call() aborts or lets the result through")

    async def _estimate(
        self,
        request: pb.DepthEstimationRequest,
        timeout_s: float | None = None,
        *,
        patient: bool = False,
    ) -> pb.DepthEstimationResponse:
        def encode(
            result: DepthEstimationResult, config: DepthEstimationAdvanceConfig
        ) -> pb.DepthEstimationResponse:
            return write_response(result, config, request)

        return await self._service.estimate(
            read_request(request), encode, timeout_s, patient=patient
        )

    async def _frame(
        self, index: int, request: pb.DepthEstimationRequest, identity: str
    ) -> pb.FrameOutcome:
        """One frame's outcome: whatever is wrong with it is its own."""
        try:
            result = await self._estimate(request, patient=True)
        except Exception as error:  # noqa: BLE001 (told to the client in the frame's place)
            code: grpc.StatusCode = log_error(error, identity)
            failure = pb.FrameError(
                code=code.value[0], detail=detail_of(error), problem=status_of(error).name
            )
            return pb.FrameOutcome(index=index, error=failure)
        return pb.FrameOutcome(index=index, result=result)
