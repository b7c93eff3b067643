"""One worker: the application, built once, and chunks that go through it."""

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from vizion3d.app import TASKS, build_container
from vizion3d.checkpoints.catalogue import METHODS
from vizion3d.checkpoints.commands import LoadModelCommand
from vizion3d.checkpoints.queries import ModelInfoQuery
from vizion3d.container import Container
from vizion3d.core.cqrs import CommandBus
from vizion3d.core.lazy import load
from vizion3d.errors import InferenceError, InvalidConfigError, InvalidImageError
from vizion3d.ray.cores import take_cores
from vizion3d.ray.files import Files
from vizion3d.ray.memory import give_large_memory_back
from vizion3d.ray.samples import Sample, samples_of
from vizion3d.ray.sinks import Into, Row, Sink, sink_of
from vizion3d.ray.sources import Chunk
from vizion3d.runtime.many import run_batched
from vizion3d.settings import load_settings
from vizion3d.task import Task, select
from vizion3d.tensors import Tensors

CHUNK = "chunk"
"""Column of the pickled chunks."""


@dataclass(frozen=True)
class Job:
    """What is to be done with every photo.

    Attributes:
        task: Name of the task.
        model: The checkpoint.
        parameters: See :attr:`vizion3d.tensors.Tensors.read`.
        save: Names of formats.
        destination: Where results go.
        into: As what.
        device: As ``VIZION3D_DEVICE``; ``None`` leaves it to that.
        precision: As ``VIZION3D_PRECISION``; ``None`` leaves it to that.
    """

    task: str
    model: str
    parameters: Mapping[str, Any]
    save: tuple[str, ...]
    destination: str
    into: Into
    device: str | None = None
    precision: str | None = None

    @property
    def record(self) -> Task:
        """The task.

        Raises:
            InvalidConfigError: There is none of that name, or it cannot be asked in batch jobs.
        """
        (task,) = select(TASKS, [self.task])
        if not task.tensors:
            raise InvalidConfigError(f"the task {task.name} has no batch jobs")
        return task

    @property
    def tensors(self) -> Tensors[Any, Any]:
        """How the task is asked."""
        return load(self.record.tensors, Tensors)

    def sink(self) -> Sink:
        """Where rows go.

        Raises:
            InvalidConfigError: There is no format of a name in ``save``.
        """
        by_name = {row.name: row for row in self.tensors.formats}
        if unknown := [name for name in self.save if name not in by_name] or not self.save:
            raise InvalidConfigError(
                f"there is no format {unknown or ''}; choose from {', '.join(by_name)}"
            )
        formats = [by_name[name] for name in self.save]
        return sink_of(self.into, Files(self.destination), formats)

    def container(self) -> Container:
        """An application for it."""
        settings = load_settings(device=self.device, precision=self.precision)
        return build_container(settings, tasks=(self.record,))

    def command(self, images: Mapping[str, Any]) -> Any:
        """What is asked for of one photo.

        Raises:
            InvalidConfigError: A parameter makes no sense.
        """
        tensors = self.tensors
        given = {**tensors.defaults, **self.parameters, "model_backend": self.model}
        if "fov" in given and "camera" not in self.parameters:
            given.pop("camera", None)  # the one in place of the other
        return tensors.read(images, given)


class Worker:
    """Works on chunks; Ray Data makes one for each actor and calls it, from several threads.

    The photos of a chunk are taken when the last one of the chunk before has been: so the network
    has work while what is left of that chunk is encoded and written, and no two chunks are in
    memory as a whole.

    Args:
        job: What to do.
        cores: How many of the machine's cores it has; 0: all.
    """

    def __init__(self, job: Job, cores: int = 0) -> None:
        give_large_memory_back()
        if cores:
            take_cores(cores)
        self._job = job
        self._taking = threading.Lock()
        self._container = job.container()
        self._sink = job.sink()
        info = self._container.queries.dispatch(ModelInfoQuery(job.model))
        self._lift = Lift(job, info.licence)
        if job.model not in METHODS:
            self._container.commands.dispatch(LoadModelCommand(job.model))

    def __call__(self, batch: Mapping[str, Any]) -> Iterator[dict[str, list[Any]]]:
        """Work on chunks; tell, for each, what came of it."""
        import cloudpickle

        for pickled in batch[CHUNK]:
            chunk: Chunk = cloudpickle.loads(pickled)
            yield self.work(chunk)

    def work(self, chunk: Chunk) -> dict[str, list[Any]]:
        """One chunk, written; its report is a table of one row."""
        errors: list[dict[str, str]] = []
        count = 0

        def do(bus: CommandBus, sample: Sample) -> Row:
            return self._sink.keep(self._lift(bus, sample))

        with self._sink.open(chunk) as writer:
            for row in run_batched(self._container, do, self._samples(chunk)):
                assert isinstance(row, Row)
                writer.add(row)
                count += 1
                if row.error:
                    errors.append({"id": row.id, "error": row.error})
        return {
            "key": [chunk.key],
            "photos": [count],
            "errors": [json.dumps(errors)],
        }

    def _samples(self, chunk: Chunk) -> Iterator[Sample]:
        with self._taking:
            yield from samples_of(chunk, self._job.tensors.images)


@dataclass(frozen=True)
class Lift:
    """What is done with one photo.

    Attributes:
        job: What is asked for.
        licence: Of the model's weights, if known.
    """

    job: Job
    licence: str | None

    def __call__(self, bus: CommandBus, sample: Sample) -> Row:
        """Its files and facts; or its error, which is the photo's own."""
        try:
            command = self.job.command(sample.load())
            result = bus.dispatch(command)
        except (InvalidImageError, InferenceError, OSError) as error:
            return Row(sample.id, sample.stem, str(error) or type(error).__name__)
        tensors = self.job.tensors
        lifted = tensors.show(result, command)
        facts = lifted.facts
        told = {
            "min_depth": facts.get("min_depth"),
            "max_depth": facts.get("max_depth"),
            "depth_kind": facts.get("depth_kind"),
            "intrinsics": json.dumps(facts.get("intrinsics"), default=dict),
            "model": self.job.model,
            "licence": self.licence,
        }
        files = {
            row.name: row.encode(lifted) for row in tensors.formats if row.name in self.job.save
        }
        return Row(sample.id, sample.stem, files=files, facts=told)
