"""What both servers are adapters of: the application, its offer, its scheduler."""

import asyncio
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from vizion3d.app import build_container
from vizion3d.checkpoints.commands import LoadModelCommand
from vizion3d.checkpoints.queries import ModelInfo
from vizion3d.core.observe import timed
from vizion3d.lifting.commands import DepthEstimationCommand
from vizion3d.lifting.handler import ImageLimits
from vizion3d.lifting.models import DepthEstimationAdvanceConfig, DepthEstimationResult
from vizion3d.runtime.choice import default_batch_size
from vizion3d.runtime.queue import InferenceQueue
from vizion3d.server.keys import read_keys
from vizion3d.server.metrics import Metrics
from vizion3d.server.offer import ModelOffer
from vizion3d.server.scheduler import Scheduler, State
from vizion3d.server.settings import ServerSettings
from vizion3d.settings import load_settings

T = TypeVar("T")
logger = logging.getLogger(__name__)

IMAGE_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF")
"""Of the some forty formats that Pillow reads, those that photos come in."""

MAX_NETWORK_PIXELS = 1_500_000
"""About 1036 x 1400: attention's memory grows with the square of this."""


@dataclass(frozen=True)
class DepthRequest:
    """What a client asks for, whatever the protocol.

    Attributes:
        image: The encoded image.
        model_backend: One of the offered models; empty or ``None`` for the default.
        config: Fields of :class:`DepthEstimationAdvanceConfig` that the client has set.
        input_size: Side at which the network sees the image, in pixels; ``None`` for its own.
    """

    image: bytes
    model_backend: str | None = None
    config: dict[str, Any] = field(default_factory=dict)
    input_size: int | None = None


class DepthService:
    """The served application; lives on one event loop."""

    def __init__(self, settings: ServerSettings) -> None:
        self.settings = settings
        self.keys = read_keys(settings.api_key_file)
        self.offer = ModelOffer(settings)
        self.metrics = Metrics()
        library = load_settings(device=settings.device, precision=settings.precision)
        default_size = default_batch_size(library)
        batch_size = settings.max_batch_size or default_size
        self._queue = InferenceQueue(batch_size, settings.max_batch_delay_ms / 1000, self.metrics)
        self._container = build_container(
            library,
            inference=self._queue,
            observer=self.metrics,
            limits=ImageLimits(settings.max_pixels, IMAGE_FORMATS, MAX_NETWORK_PIXELS),
        )
        self.scheduler = Scheduler(
            settings.max_queue + batch_size, settings.request_timeout_s, self.metrics
        )

    async def load(self) -> None:
        """Load the model that was selected on the command line, then be ready.

        Raises:
            Vizion3DError: It cannot be loaded.
        """
        if self.settings.depth_model is not None:
            command = LoadModelCommand(self.settings.depth_model)
            # Not a pool's thread: the process may end before the model is loaded.
            await _in_daemon_thread(lambda: self._container.commands.dispatch(command))
        if self.scheduler.state is State.LOADING:
            self.scheduler.state = State.READY

    async def estimate(
        self,
        request: DepthRequest,
        encode: Callable[[DepthEstimationResult, DepthEstimationAdvanceConfig], T],
        timeout_s: float | None = None,
        *,
        patient: bool = False,
    ) -> T:
        """Run a request and encode its result, in a thread.

        Raises:
            Vizion3DError: As :data:`vizion3d.server.status.STATUSES` lists them.
        """
        command = self._command(request)

        def work() -> T:
            result = self._container.commands.dispatch(command)
            with timed(self.metrics, "encode"):
                return encode(result, command.advanced_config)

        return await self.scheduler.run(work, timeout_s, patient=patient)

    async def models(self) -> list[ModelInfo]:
        """What is known of the offered models, the default first."""
        return await asyncio.to_thread(self.offer.describe, self._container.queries)

    async def stop(self) -> None:
        """Finish what is under way, as far as time allows, and end the threads."""
        if not await self.scheduler.drain(self.settings.drain_timeout_s):
            logger.warning(
                "requests were still under way after %g s; they are dropped",
                self.settings.drain_timeout_s,
            )
        self.scheduler.close()

    def _command(self, request: DepthRequest) -> DepthEstimationCommand:
        return DepthEstimationCommand(
            image_input=request.image,
            model_backend=self.offer.choose(request.model_backend),
            advanced_config=DepthEstimationAdvanceConfig(**request.config),
            input_size=request.input_size,
        )


async def _in_daemon_thread(work: Callable[[], object]) -> None:
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def finish(error: Exception | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def run() -> None:
        error: Exception | None = None
        try:
            work()
        # Told to whoever waits, in the loop's thread.
        except Exception as raised:  # noqa: BLE001
            error = raised
        if not loop.is_closed():
            loop.call_soon_threadsafe(finish, error)

    threading.Thread(target=run, name="load", daemon=True).start()
    await done
