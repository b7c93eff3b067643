"""The wired application: its parts, its tasks, and the buses that lead to their handlers."""

from dataclasses import dataclass, replace
from typing import Any

from vizion3d.checkpoints.commands import (
    BeginDownloadCommand,
    CallOffDownloadCommand,
    ClearConversionsCommand,
    DownloadModelCommand,
    LoadModelCommand,
)
from vizion3d.checkpoints.queries import (
    DownloadQuery,
    ListModelsQuery,
    ModelInfoQuery,
    ModelPathQuery,
)
from vizion3d.core.cqrs import CommandBus, QueryBus
from vizion3d.core.observe import Observer
from vizion3d.runtime.export import ExportHandler, ExportModelCommand
from vizion3d.runtime.models import ModelsHandler
from vizion3d.runtime.queue import Inference
from vizion3d.runtime.recommend import RecommendHandler, RecommendQuery
from vizion3d.settings import Settings
from vizion3d.task import Parts, Task


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
    tasks: tuple[Task[Any], ...]
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


def wire(parts: Parts, tasks: tuple[Task[Any], ...]) -> Container:
    """Register a handler for every command and query."""
    commands, queries = CommandBus(), QueryBus()
    for task in tasks:
        commands.register(task.command, task.handler(parts))
        for command, handle in task.others(parts).items():
            commands.register(command, handle)
    commands.register(ExportModelCommand, ExportHandler(parts.checkpoints).handle)
    models = ModelsHandler(parts.checkpoints, parts.runtimes, parts.conversions)
    commands.register(DownloadModelCommand, models.download)
    commands.register(BeginDownloadCommand, models.begin_download)
    commands.register(CallOffDownloadCommand, models.call_off_download)
    commands.register(LoadModelCommand, models.load)
    commands.register(ClearConversionsCommand, models.clear_conversions)
    recommending = RecommendHandler(parts.checkpoints, parts.runtimes)
    queries.register(RecommendQuery, recommending.handle)
    queries.register(ListModelsQuery, models.list_models)
    queries.register(ModelInfoQuery, models.model_info)
    queries.register(DownloadQuery, models.download_state)
    queries.register(ModelPathQuery, models.model_path)
    return Container(parts, tasks, commands, queries)
