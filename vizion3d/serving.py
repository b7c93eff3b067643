"""The application as both servers serve it."""

from collections.abc import Sequence

from vizion3d.app import TASKS, build_container
from vizion3d.media.limits import ImageLimits
from vizion3d.runtime.choice import default_batch_size
from vizion3d.runtime.queue import InferenceQueue
from vizion3d.server.metrics import Metrics
from vizion3d.server.scheduler import Scheduler
from vizion3d.server.service import IMAGE_FORMATS, MAX_NETWORK_PIXELS, Service
from vizion3d.server.settings import ServerSettings
from vizion3d.settings import load_settings
from vizion3d.task import Task, select


def build_service(
    settings: ServerSettings, tasks: Sequence[Task] = TASKS, *, patient: bool = False
) -> Service:
    """Wire the application that a server serves.

    Args:
        settings: Of the server.
        tasks: Which there are.
        patient: As :class:`vizion3d.server.scheduler.Scheduler` has it.

    Raises:
        InvalidConfigError: Settings that make no sense.
    """
    metrics = Metrics()
    library = load_settings(
        device=settings.device,
        precision=settings.precision,
        licences=settings.licences,
        licence_of=settings.licence_of or None,
    )
    batch_size = settings.max_batch_size or default_batch_size(library)
    container = build_container(
        library,
        inference=InferenceQueue(batch_size, settings.max_batch_delay_ms / 1000, metrics),
        observer=metrics,
        limits=ImageLimits(settings.max_pixels, IMAGE_FORMATS, MAX_NETWORK_PIXELS),
        tasks=select(tasks, settings.features),
    )
    capacity = settings.max_queue + batch_size
    scheduler = Scheduler(capacity, settings.request_timeout_s, metrics, patient=patient)
    return Service(settings, container, scheduler, metrics)
