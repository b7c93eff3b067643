"""What a task says of itself, and the parts that its handler is made of.

A task is a folder. Its record names its command, what makes the command's handler, and where its
adapters are; ``app.py`` lists the records, and both servers and the command line are made by going
through them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from vizion3d.checkpoints.store import CheckpointStore
from vizion3d.core.cqrs import Command
from vizion3d.core.lazy import load
from vizion3d.core.observe import Observer
from vizion3d.errors import InvalidConfigError
from vizion3d.media.reader import ImageReader
from vizion3d.runtime.cache import RuntimeCache
from vizion3d.runtime.conversions import ConversionStore
from vizion3d.runtime.queue import Inference
from vizion3d.settings import Settings

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Parts:
    """What handlers are made of.

    Attributes:
        settings: Where models are kept and how they are run.
        checkpoints: Finds checkpoint files.
        runtimes: The loaded models.
        conversions: The networks that were converted.
        inference: Gives images their turn at the network.
        images: Reads images, as far as they are not refused.
        observer: Is told what happens.
    """

    settings: Settings
    checkpoints: CheckpointStore
    runtimes: RuntimeCache
    conversions: ConversionStore
    inference: Inference
    images: ImageReader
    observer: Observer


@dataclass(frozen=True)
class Feature:
    """What the servers' flags select.

    Attributes:
        name: ``"depth_estimation"``: the flag ``--depth_estimation`` selects it.
        title: For people: ``"depth estimation"``.
        model_option: ``"depth_model"``: the flag ``--depth_model`` selects it and loads a model
            before the first request.
        without_model: What is done where that flag is not given, for its help.
    """

    name: str
    title: str
    model_option: str
    without_model: str = "Without it the release checkpoint is downloaded on the first request."


def _none(_: Parts) -> Mapping[type[Command[Any]], Callable[[Any], Any]]:
    return {}


@dataclass(frozen=True)
class Task(Generic[R]):
    """One task, and where its adapters are: import paths, ``"package.module:NAME"``.

    Adapters are imported when an entry point asks for them: importing the record loads no server
    and no command line.

    Attributes:
        feature: Its name, and the flags that select it.
        command: The type of its command; has a field ``model_backend``.
        handler: Makes the command's handler of the application's parts; one that returns something
            else than the command's result does not type-check.
        default_model: What ``model_backend`` is where a client of a server names none.
        images: The command's fields that hold an image.
        rest: A :class:`vizion3d.server.rest.route.Route`.
        grpc: A :class:`vizion3d.server.grpc.methods.Methods`.
        cli: A :class:`vizion3d.cli.program.Commands`; empty if it has none.
        tensors: A :class:`vizion3d.tensors.Tensors`; empty if it is not to be asked by tensors or
            in batch jobs.
        others: Makes the handlers of commands that it has besides, which no server takes.
    """

    feature: Feature
    command: type[Command[R]]
    handler: Callable[[Parts], Callable[[Any], R]]
    default_model: str
    images: tuple[str, ...]
    rest: str
    grpc: str
    cli: str = ""
    tensors: str = ""
    others: Callable[[Parts], Mapping[type[Command[Any]], Callable[[Any], Any]]] = _none

    @property
    def name(self) -> str:
        """What its flag says: ``"depth_estimation"``."""
        return self.feature.name


def adapters(tasks: Iterable[Task[Any]], side: str, kind: type[T]) -> list[T]:
    """The tasks' adapters on a side (``"rest"``, ``"tensors"`` ...), of those that have one."""
    paths = [getattr(task, side) for task in tasks]
    return [load(path, kind) for path in paths if path]


def select(tasks: Sequence[Task[Any]], names: Iterable[str]) -> tuple[Task[Any], ...]:
    """The named tasks; every task if none is named.

    Raises:
        InvalidConfigError: There is no task of that name.
    """
    wanted = set(names)
    unknown = wanted - {task.name for task in tasks}
    if unknown:
        known = ", ".join(task.name for task in tasks)
        raise InvalidConfigError(
            f"there is no feature {', '.join(sorted(unknown))}; choose from {known}"
        )
    return tuple(task for task in tasks if not wanted or task.name in wanted)
