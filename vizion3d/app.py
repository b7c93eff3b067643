"""The composition root: the list of tasks, and the one place where the parts are built."""

import threading
from collections.abc import Iterable

from vizion3d.checkpoints.licences import LicencePolicy, forget_notices
from vizion3d.checkpoints.store import Checkpoint, CheckpointStore
from vizion3d.container import Container, wire
from vizion3d.core.observe import NoObserver, Observer, timed
from vizion3d.lifting.task import DEPTH_ESTIMATION
from vizion3d.media.limits import ImageLimits
from vizion3d.media.reader import ImageReader
from vizion3d.runtime.base import Runtime, RuntimeLoader
from vizion3d.runtime.cache import RuntimeCache
from vizion3d.runtime.choice import runtime_loader
from vizion3d.runtime.conversions import ConversionStore
from vizion3d.runtime.queue import DirectInference, Inference
from vizion3d.settings import Settings, load_settings
from vizion3d.stereo.task import STEREO_DEPTH
from vizion3d.task import Parts, Task

TASKS: tuple[Task, ...] = (DEPTH_ESTIMATION, STEREO_DEPTH)
"""Every task of the library; another one is one more line."""


def build_container(
    settings: Settings,
    checkpoints: CheckpointStore | None = None,
    runtimes: RuntimeCache | None = None,
    inference: Inference | None = None,
    observer: Observer | None = None,
    limits: ImageLimits | None = None,
    tasks: Iterable[Task] = TASKS,
) -> Container:
    """Wire an application.

    Args:
        settings: Where models are kept and how they are run.
        checkpoints: In place of the store in the settings' cache folder.
        runtimes: In place of a cache of the runtimes that the settings ask for.
        inference: How images get their turn at the network; directly if it is not given.
        observer: Is told what happens.
        limits: Which images are refused; by the settings' ``max_pixels`` if it is not given.
        tasks: The tasks whose commands it takes.
    """
    observer = observer or NoObserver()
    conversions = ConversionStore(settings.model_cache)
    load, load_exact = (
        _observed(runtime_loader(settings, conversions, precision), observer)
        for precision in (settings.precision, "fp32")
    )
    parts = Parts(
        settings=settings,
        checkpoints=checkpoints
        or CheckpointStore(
            settings.model_cache,
            offline=settings.offline,
            licences=LicencePolicy(settings.licences == "permissive", settings.licence_of),
        ),
        runtimes=runtimes or RuntimeCache(load, settings.max_loaded_models, load_exact),
        conversions=conversions,
        inference=inference or DirectInference(observer),
        images=ImageReader(limits or ImageLimits(settings.max_pixels), observer),
        observer=observer,
    )
    return wire(parts, tuple(tasks))


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
