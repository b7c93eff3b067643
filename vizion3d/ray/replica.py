"""What Ray Serve runs: a replica with the FastAPI app and the servicers, and models apart."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from fastapi import FastAPI

from vizion3d.app import TASKS, build_container
from vizion3d.checkpoints.commands import LoadModelCommand
from vizion3d.core.cqrs import Bus, Command
from vizion3d.core.lazy import load
from vizion3d.core.scope import Scope, current_scope
from vizion3d.errors import OverloadedError
from vizion3d.media.limits import ImageLimits
from vizion3d.ray.cores import take_cores
from vizion3d.ray.counting import CountWaiting
from vizion3d.ray.rpcs import Rpcs, add_rpcs
from vizion3d.ray.waiting import now, waited_s
from vizion3d.runtime.choice import default_batch_size
from vizion3d.runtime.queue import InferenceQueue
from vizion3d.server.grpc.servicer import handlers_of
from vizion3d.server.log import set_up_log
from vizion3d.server.metrics import Metrics
from vizion3d.server.rest.app import create_app
from vizion3d.server.scheduler import Scheduler, having_waited
from vizion3d.server.service import IMAGE_FORMATS, MAX_NETWORK_PIXELS
from vizion3d.server.settings import ServerSettings
from vizion3d.serving import build_service
from vizion3d.settings import load_settings
from vizion3d.task import Parts, Task, select


@add_rpcs
class Replica:
    """The very application that the plain servers serve. It is ready when its model is loaded.

    Args:
        settings: Of the server.
        cores: How many of the machine's cores it has; 0: all.
        models: Handles of models that are deployments of their own, by name, of the task that is
            ``models_of``; with them nothing is loaded here.
        models_of: Name of that task.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        cores: int = 0,
        models: Mapping[str, Any] | None = None,
        models_of: str = "",
    ) -> None:
        if cores:
            take_cores(cores)
        told = ServerSettings.model_validate(settings)
        set_up_log(told.log_level)
        tasks = TASKS
        if models:
            tasks = tuple(_remote(t, models) if t.name == models_of else t for t in TASKS)
        # Serve counts what a replica has, and takes back what its client has given up: what takes
        # its place waits until the network is done with that.
        self.service = build_service(told, tasks, patient=True)
        self.rpcs = Rpcs(handlers_of(self.service), self.service.keys)

    def __serve_build_asgi_app__(self) -> FastAPI:
        """The REST application; Serve asks for it."""
        app = create_app(self.service)
        app.add_middleware(CountWaiting)
        return app

    async def drain(self) -> None:
        """Refuse whatever comes from now on; return when what is under way is done, or as much of
        it as the time for it allowed."""
        await self.service.scheduler.drain(self.service.settings.drain_timeout_s)

    async def check_health(self) -> None:
        """A replica that answers is well; Serve asks now and then."""


class ReadyReplica(Replica):
    """A replica that is there when its models are loaded."""

    async def __init__(  # type: ignore[misc]  # Serve awaits it
        self, *arguments: Any, **named: Any
    ) -> None:
        super().__init__(*arguments, **named)
        await self.service.load()


class ModelReplica:
    """One model of one task; commands come to it as they are.

    Args:
        settings: Of the server.
        task: Name of the task.
        model: The checkpoint.
        cores: How many of the machine's cores it has; 0: all.
    """

    def __init__(self, settings: Mapping[str, Any], task: str, model: str, cores: int = 0) -> None:
        if cores:
            take_cores(cores)
        told = ServerSettings.model_validate(settings)
        set_up_log(told.log_level)
        library = load_settings(device=told.device, precision=told.precision)
        batch_size = told.max_batch_size or default_batch_size(library)
        container = build_container(
            library,
            inference=InferenceQueue(batch_size, told.max_batch_delay_ms / 1000),
            limits=ImageLimits(told.max_pixels, IMAGE_FORMATS, MAX_NETWORK_PIXELS),
            tasks=select(TASKS, [task]),
        )
        container.commands.dispatch(LoadModelCommand(model))
        self._commands = container.commands
        self._scheduler = Scheduler(
            told.max_queue + batch_size, told.request_timeout_s, Metrics(), patient=True
        )

    async def run(self, command: Command[Any], remaining_s: float | None, sent: str) -> Any:
        """Run a command within what was left of its time when it was sent."""
        with having_waited(waited_s(sent)):
            work = partial(self._commands.dispatch, command)
            return await self._scheduler.run(work, remaining_s)


def _remote(task: Task, models: Mapping[str, Any]) -> Task:
    """The task, its command handled by deployments."""
    path, *_ = task.handlers
    first = next(iter(models))
    return replace(task, handlers={path: partial(_register, path, models)}, default_model=first)


def _register(path: str, models: Mapping[str, Any], _parts: Parts, bus: Bus) -> None:
    bus.register(load(path, type), handler_of(models))


def handler_of(models: Mapping[str, Any]) -> Callable[[Any], Any]:
    """What sends a command to the deployment of the model that it names, and waits for the result.

    Args:
        models: The deployments' handles, by the models' names.
    """

    def handle(command: Any) -> Any:
        scope = current_scope()
        scope.check()
        remaining_s = scope.remaining_s()
        response = models[command.model_backend].run.remote(command, remaining_s, now())
        with scope.cancelling(response.cancel), _told(scope, response):
            return response.result(timeout_s=remaining_s)

    return handle


@contextmanager
def _told(scope: Scope, response: Any) -> Iterator[None]:
    """The errors of a deployment's answer, as its own handler would have raised them."""
    from ray.exceptions import RayActorError, RayTaskError
    from ray.serve.exceptions import RayServeException

    try:
        yield
    except TimeoutError:
        response.cancel()
        raise scope.exceeded() from None
    except RayTaskError as error:
        raise error.cause from None
    except (RayActorError, RayServeException) as error:
        scope.check()  # called off, it says so as well
        raise OverloadedError(
            f"the replicas of the model are busy, or one was lost ({error}); send it again"
        ) from error
