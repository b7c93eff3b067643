"""The composition root: the one place where the parts are built and wired."""

import threading
from dataclasses import dataclass

from vizion3d.checkpoints.commands import (
    ClearConversionsCommand,
    DownloadModelCommand,
    LoadModelCommand,
)
from vizion3d.checkpoints.queries import ListModelsQuery, ModelInfoQuery, ModelPathQuery
from vizion3d.checkpoints.store import Checkpoint, CheckpointStore, forget_notices
from vizion3d.core.cqrs import CommandBus, QueryBus
from vizion3d.core.observe import NoObserver, Observer, timed
from vizion3d.lifting.commands import DepthEstimationCommand
from vizion3d.lifting.handler import DepthEstimationHandler, ImageLimits
from vizion3d.media.nvjpeg import find_nvjpeg
from vizion3d.runtime.base import Runtime, RuntimeLoader
from vizion3d.runtime.cache import RuntimeCache
from vizion3d.runtime.choice import runtime_loader
from vizion3d.runtime.conversions import ConversionStore
from vizion3d.runtime.models import ModelsHandler
from vizion3d.runtime.queue import DirectInference, Inference
from vizion3d.settings import Settings, load_settings


@dataclass(frozen=True)
class Container:
    """The wired application.

    Attributes:
        settings: What it was built from.
        commands: Where to dispatch commands.
        queries: Where to dispatch queries.
        checkpoints: Finds checkpoint files.
        runtimes: The loaded models.
    """

    settings: Settings
    commands: CommandBus
    queries: QueryBus
    checkpoints: CheckpointStore
    runtimes: RuntimeCache


def build_container(
    settings: Settings,
    checkpoints: CheckpointStore | None = None,
    runtimes: RuntimeCache | None = None,
    inference: Inference | None = None,
    observer: Observer | None = None,
    limits: ImageLimits | None = None,
) -> Container:
    """Wire an application.

    Args:
        settings: Where models are kept and how they are run.
        checkpoints: In place of the store in the settings' cache folder.
        runtimes: In place of a cache of the runtimes that the settings ask for.
        inference: How images get their turn at the network; directly if it is not given.
        observer: Is told what happens.
        limits: Which images are refused; by the settings' ``max_pixels`` if it is not given.
    """
    observer = observer or NoObserver()
    checkpoints = checkpoints or CheckpointStore(settings.model_cache, offline=settings.offline)
    conversions = ConversionStore(settings.model_cache)
    runtimes = runtimes or RuntimeCache(
        _observed(runtime_loader(settings, conversions), observer), settings.max_loaded_models
    )
    inference = inference or DirectInference(observer)
    commands, queries = CommandBus(), QueryBus()
    models = ModelsHandler(checkpoints, runtimes, conversions)
    limits = limits or ImageLimits(settings.max_pixels)
    depth = DepthEstimationHandler(
        checkpoints, runtimes, inference, limits, observer, find_nvjpeg(settings)
    )
    commands.register(DepthEstimationCommand, depth.handle)
    commands.register(DownloadModelCommand, models.download)
    commands.register(LoadModelCommand, models.load)
    commands.register(ClearConversionsCommand, models.clear_conversions)
    queries.register(ListModelsQuery, models.list_models)
    queries.register(ModelInfoQuery, models.model_info)
    queries.register(ModelPathQuery, models.model_path)
    return Container(settings, commands, queries, checkpoints, runtimes)


def _observed(load: RuntimeLoader, observer: Observer) -> RuntimeLoader:
    def load_observed(checkpoint: Checkpoint) -> Runtime:
        with timed(observer, "load"):
            return load(checkpoint)

    return load_observed


_lock = threading.Lock()
_default: Container | None = None


def default_container() -> Container:
    """The process's own application, built from the environment when it is first asked for."""
    global _default
    with _lock:
        if _default is None:
            _default = build_container(load_settings())
        return _default


def reset_default_container() -> None:
    """Forget the process's application and its loaded models; the environment is read anew."""
    global _default
    with _lock:
        _default = None
        forget_notices()
