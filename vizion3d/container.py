"""The wired application: its parts, its tasks, and the buses that lead to their handlers."""

from dataclasses import dataclass, replace
from functools import partial

from vizion3d.core.cqrs import Bus, CommandBus, QueryBus
from vizion3d.core.observe import Observer
from vizion3d.runtime.queue import Inference
from vizion3d.settings import Settings
from vizion3d.task import Parts, Task

_COMMANDS = (
    "DownloadModelCommand",
    "BeginDownloadCommand",
    "CallOffDownloadCommand",
    "LoadModelCommand",
    "ClearConversionsCommand",
)
_QUERIES = ("ListModelsQuery", "ModelInfoQuery", "DownloadQuery", "ModelPathQuery")


@dataclass(frozen=True)
class Container:
    """The wired application.

    Attributes:
        parts: What its handlers are made of.
        tasks: The tasks whose commands it takes.
        commands: Where to dispatch commands.
        queries: Where to dispatch queries.
    """

    parts: Parts
    tasks: tuple[Task, ...]
    commands: CommandBus
    queries: QueryBus

    @property
    def settings(self) -> Settings:
        """What it was built from."""
        return self.parts.settings

    @property
    def observer(self) -> Observer:
        """Is told what happens."""
        return self.parts.observer

    def with_inference(self, inference: Inference) -> "Container":
        """The same application, loaded models and all, with another turn at the network."""
        return wire(replace(self.parts, inference=inference), self.tasks)


def wire(parts: Parts, tasks: tuple[Task, ...]) -> Container:
    """Register what registers a handler for every command and query, when it is first needed."""
    commands, queries = CommandBus(), QueryBus()
    for task in tasks:
        for path, register in task.handlers.items():
            commands.register_later([path], partial(register, parts))
    commands.register_later(
        [f"vizion3d.checkpoints.commands:{name}" for name in _COMMANDS],
        partial(_register_model_commands, parts),
    )
    commands.register_later(
        ["vizion3d.runtime.export:ExportModelCommand"], partial(_register_export, parts)
    )
    queries.register_later(
        [f"vizion3d.checkpoints.queries:{name}" for name in _QUERIES],
        partial(_register_model_queries, parts),
    )
    queries.register_later(
        ["vizion3d.runtime.recommend:RecommendQuery"], partial(_register_recommend, parts)
    )
    return Container(parts, tasks, commands, queries)


# What follows is imported by those who ask for it: an estimation does not.


def _register_model_commands(parts: Parts, bus: Bus) -> None:
    from vizion3d.checkpoints import commands
    from vizion3d.runtime.models import ModelsHandler

    models = ModelsHandler(parts.checkpoints, parts.runtimes, parts.conversions)
    bus.register(commands.DownloadModelCommand, models.download)
    bus.register(commands.BeginDownloadCommand, models.begin_download)
    bus.register(commands.CallOffDownloadCommand, models.call_off_download)
    bus.register(commands.LoadModelCommand, models.load)
    bus.register(commands.ClearConversionsCommand, models.clear_conversions)


def _register_model_queries(parts: Parts, bus: Bus) -> None:
    from vizion3d.checkpoints import queries
    from vizion3d.runtime.models import ModelsHandler

    models = ModelsHandler(parts.checkpoints, parts.runtimes, parts.conversions)
    bus.register(queries.ListModelsQuery, models.list_models)
    bus.register(queries.ModelInfoQuery, models.model_info)
    bus.register(queries.DownloadQuery, models.download_state)
    bus.register(queries.ModelPathQuery, models.model_path)


def _register_export(parts: Parts, bus: Bus) -> None:
    from vizion3d.runtime.export import ExportHandler, ExportModelCommand

    bus.register(ExportModelCommand, ExportHandler(parts.checkpoints).handle)


def _register_recommend(parts: Parts, bus: Bus) -> None:
    from vizion3d.runtime.recommend import RecommendHandler, RecommendQuery

    bus.register(RecommendQuery, RecommendHandler(parts.checkpoints, parts.runtimes).handle)
