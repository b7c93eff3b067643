"""What a task says of itself, and the parts that its handler is made of.

A task is a folder. Its record names its commands, what registers their handlers, and where its
adapters are; ``app.py`` lists the records, and both servers and the command line are made by going
through them. A record is names and import paths: importing it imports nothing of the task.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias, TypeVar

from vizion3d.checkpoints.store import CheckpointStore
from vizion3d.core.cqrs import Bus, Command
from vizion3d.core.lazy import load
from vizion3d.core.observe import Observer
from vizion3d.errors import InvalidConfigError
from vizion3d.media.reader import ImageReader
from vizion3d.runtime.cache import RuntimeCache
from vizion3d.runtime.conversions import ConversionStore
from vizion3d.runtime.queue import Inference
from vizion3d.settings import Settings

T = TypeVar("T")


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
    without_model: str = "Without it the default checkpoint is downloaded when the server starts."


Register: TypeAlias = Callable[[Parts, Bus], None]
"""Makes a command's handler of the application's parts, and registers it. ``Bus.register`` takes
none that returns something else than the command's result: that does not type-check."""


@dataclass(frozen=True)
class Task:
    """One task, and where its adapters are: import paths, ``"package.module:NAME"``.

    Adapters are imported when an entry point asks for them, commands and handlers when the first
    command is dispatched (:func:`vizion3d.core.lazy.later`).

    Attributes:
        feature: Its name, and the flags that select it.
        handlers: Import path of a command -> what registers its handler. The first is the command
            that servers take, which has a field ``model_backend``; any others are the library's.
        default_model: What ``model_backend`` is where a client of a server names none.
        images: The command's fields that hold an image.
        rest: A :class:`vizion3d.server.rest.route.Route`.
        grpc: A :class:`vizion3d.server.grpc.methods.Methods`.
        cli: Name of a command of ``vizion3d`` -> its function; one with a parameter of the type
            ``typer.Context`` finds the application by
            :func:`vizion3d.cli.context.application_of`.
        tensors: A :class:`vizion3d.tensors.Tensors`; empty if it is not to be asked by tensors or
            in batch jobs.
    """

    feature: Feature
    handlers: Mapping[str, Register]
    default_model: str
    images: tuple[str, ...]
    rest: str
    grpc: str
    cli: Mapping[str, str] = field(default_factory=dict)
    tensors: str = ""

    @cached_property
    def command(self) -> type[Command[Any]]:
        """The type of the command that servers take."""
        return load(next(iter(self.handlers)), type)

    @property
    def name(self) -> str:
        """What its flag says: ``"depth_estimation"``."""
        return self.feature.name


def adapters(tasks: Iterable[Task], side: str, kind: type[T]) -> list[T]:
    """The tasks' adapters on a side (``"rest"``, ``"tensors"`` ...), of those that have one."""
    paths = [getattr(task, side) for task in tasks]
    return [load(path, kind) for path in paths if path]


def select(tasks: Sequence[Task], names: Iterable[str]) -> tuple[Task, ...]:
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
