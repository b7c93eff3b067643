"""What both servers are adapters of: the application, what it offers, its scheduler."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import PurePath
from typing import Any, TypeVar

from vizion3d.checkpoints.commands import LoadModelCommand
from vizion3d.checkpoints.queries import ModelInfo
from vizion3d.container import Container
from vizion3d.core.cqrs import Command, Query
from vizion3d.core.observe import timed
from vizion3d.core.remarks import current_remarks
from vizion3d.core.room import Room
from vizion3d.media import images
from vizion3d.server.default_files import DefaultFiles, in_daemon_thread
from vizion3d.server.keys import read_keys
from vizion3d.server.metrics import Metrics
from vizion3d.server.offer import ModelOffer, describe
from vizion3d.server.scheduler import Scheduler, State
from vizion3d.server.settings import ServerSettings
from vizion3d.task import Task

T = TypeVar("T")
R = TypeVar("R")
logger = logging.getLogger(__name__)

IMAGE_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "HEIF")
"""Of the some forty formats that Pillow reads, those that photos come in; HEIF, which iPhones take,
where pillow-heif is installed."""

MAX_NETWORK_PIXELS = 1_500_000
"""About 1036 x 1400: attention's memory grows with the square of this."""


BYTES_PER_PIXEL = 7
"""Of a decoded image: three of colour, and four of what is estimated of it."""


class Service:
    """The served application; lives on one event loop.

    Args:
        settings: What the server was told.
        container: The application; its tasks are what is served.
        scheduler: Says who may work.
        metrics: Counts.
    """

    def __init__(
        self,
        settings: ServerSettings,
        container: Container,
        scheduler: Scheduler,
        metrics: Metrics,
    ) -> None:
        self.settings = settings
        self.keys = read_keys(settings.api_key_file)
        if settings.is_reachable_from_elsewhere and not self.keys.required:
            logger.warning(
                "listening on %s without keys: whoever reaches this machine may use the server; "
                "give --api-key-file, or put a proxy before it that asks who is there",
                settings.host,
            )
        self.scheduler = scheduler
        self.metrics = metrics
        self._container = container
        self._begin = time.monotonic()
        self._default_files = DefaultFiles(container.commands)
        self._decoded = Room(settings.max_decoded_bytes)
        self._offers: dict[type[Command[Any]], ModelOffer] = {
            task.command: ModelOffer(
                settings.models.get(task.name, task.default_model), settings.allow_models
            )
            for task in container.tasks
        }

    @property
    def tasks(self) -> tuple[Task, ...]:
        """What is served."""
        return self._container.tasks

    def models_of(self, task: Task) -> tuple[str, ...]:
        """What a client may name for a task, the default first."""
        return self._offers[task.command].names

    async def load(self) -> None:
        """Load the selected models, have the others' default files here, then be ready.

        Raises:
            Vizion3DError: A selected model cannot be loaded.
        """
        await self.load_selected()
        await self.wait_for_defaults()

    async def load_selected(self) -> None:
        """Load the models that were selected on the command line.

        Raises:
            Vizion3DError: One cannot be loaded.
        """
        for task in self.tasks:
            if (model := self.settings.models.get(task.name)) is not None:
                # Not a pool's thread: the process may end before the model is loaded.
                load = partial(self._container.commands.dispatch, LoadModelCommand(model))
                await in_daemon_thread(load)
                logger.info("model loaded: %s, after %g s", model, self._age_s())

    async def wait_for_defaults(self) -> None:
        """Have the files of default models that nobody selected downloaded, then be ready.

        Where that fails it is tried again, for ever: the server answers, and is not ready.
        """
        for task in self.tasks:
            if task.name not in self.settings.models:
                await self._default_files.fetch(task.default_model)
        if self.scheduler.state is State.LOADING:
            self.scheduler.state = State.READY
            logger.info("ready in %g s", self._age_s(), extra={"seconds": self._age_s()})

    @property
    def not_ready_because(self) -> str | None:
        """What a server that is not ready waits for, if that is a model's file."""
        return self._default_files.waiting_for

    def _age_s(self) -> float:
        return round(time.monotonic() - self._begin, 2)

    async def run(
        self,
        command: Command[R],
        encode: Callable[[R], T],
        timeout_s: float | None = None,
        *,
        patient: bool = False,
    ) -> T:
        """Run a task's command and encode its result, in a thread.

        Args:
            command: Its ``model_backend`` is what the client names: only what is offered is run,
                and the task's default where it is empty.
            encode: Makes the answer of the result.
            timeout_s: The client's own limit; the server's holds as well.
            patient: Wait for a slot rather than be refused.

        Raises:
            Vizion3DError: As :data:`vizion3d.wire.problems.STATUSES` lists them.
        """
        offered = self._offered(command)

        def work() -> T:
            with self._decoded.taken(self._decoded_bytes(offered)):
                result = self._container.commands.dispatch(offered)
                if not self.settings.tell_paths:
                    _name_only(result)
                with timed(self.metrics, "encode"):
                    return encode(result)

        return await self.scheduler.run(work, timeout_s, patient=patient)

    async def models(self) -> list[tuple[ModelInfo, bool]]:
        """What is known of the offered models, and whether each is a default; these come first.

        Raises:
            CheckpointError: One cannot be read.
            OverloadedError: The server is stopping.
            DeadlineExceededError: There was no turn for it in time.
        """
        offers = self._offers.values()
        # Files may have to be read: this takes its turn like everything else.
        return await self.scheduler.run(
            partial(describe, offers, self._container.queries), patient=True
        )

    def offered(self, name: str) -> str:
        """The name, if it is one of a model that some task offers.

        Raises:
            ModelNotAllowedError: It is not.
        """
        offers = list(self._offers.values())
        if not any(name in offer.names for offer in offers):
            return offers[0].choose(name)
        return name

    async def dispatch(self, command: Command[R]) -> R:
        """Run a command that takes no turn at the network, in a thread.

        Raises:
            Vizion3DError: What its handler raises.
        """
        return await asyncio.to_thread(self._container.commands.dispatch, command)

    async def ask(self, query: Query[R]) -> R:
        """Answer a query that takes no turn at the network, in a thread.

        Raises:
            Vizion3DError: What its handler raises.
        """
        return await asyncio.to_thread(self._container.queries.dispatch, query)

    async def stop(self) -> None:
        """Finish what is under way, as far as time allows, and end the threads."""
        if not await self.scheduler.drain(self.settings.drain_timeout_s):
            logger.warning(
                "requests were still under way after %g s; they are dropped",
                self.settings.drain_timeout_s,
            )
        self.scheduler.close()

    def _decoded_bytes(self, command: Command[Any]) -> int:
        """How much memory a command's images need once they are decoded, by their headers.

        Raises:
            InvalidImageError: One is not an image, or too large.
        """
        limit = self.settings.max_pixels
        fields = next(t.images for t in self.tasks if t.command is type(command))
        headers = [
            images.read_header(getattr(command, name), limit, IMAGE_FORMATS) for name in fields
        ]
        current_remarks()["image"] = " ".join(f"{h.width_px}x{h.height_px}" for h in headers)
        return sum(BYTES_PER_PIXEL * header.width_px * header.height_px for header in headers)

    def _offered(self, command: Any) -> Any:
        """The command with a model that is offered."""
        model = self._offers[type(command)].choose(command.model_backend)
        current_remarks()["model"] = model.rpartition("/")[2]
        return replace(command, model_backend=model)


def _name_only(result: Any) -> None:
    """Of the checkpoint that was used, leave the file's name: a client has no use for more."""
    used = getattr(result, "backend_used", None)
    if used is not None:
        result.backend_used = PurePath(used).name
