"""How an image gets its turn at the network: at once, or through a queue that forms batches."""

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from vizion3d.core.fork import renew_after_fork
from vizion3d.core.observe import Guarded, NoObserver, Observer, timed
from vizion3d.core.remarks import Remarks, current_remarks
from vizion3d.core.scope import current_scope
from vizion3d.networks.base import Size
from vizion3d.runtime.base import Images, Maps, Runtime

logger = logging.getLogger(__name__)


class Inference(Protocol):
    """Runs what belongs to one command through a loaded network. Called from several threads."""

    def infer(self, runtime: Runtime, images: Images, size: Size) -> Maps:
        """As :meth:`vizion3d.runtime.base.Runtime.infer`, without the first axis.

        Args:
            runtime: The loaded network.
            images: One uint8 ``(H, W, 3)`` for each of its inputs.
            size: At which the network sees them.

        Returns:
            One float32 array for each of its outputs: ``(H, W)``, or ``(K,)``.

        Raises:
            DeadlineExceededError: The current scope's deadline passed.
            CancelledError: The current scope was cancelled.
        """
        ...


class DirectInference:
    """Every caller runs the network itself.

    Args:
        observer: Is told how long it takes.
    """

    def __init__(self, observer: Observer | None = None) -> None:
        self._observer = Guarded(observer or NoObserver())

    def infer(self, runtime: Runtime, images: Images, size: Size) -> Maps:
        """See :meth:`Inference.infer`."""
        current_scope().check()
        with timed(self._observer, "inference"):
            return _only(runtime.infer(_batch_of_one(images), size))


@dataclass(frozen=True, eq=False)
class _Job:
    """Images that wait for their turn."""

    runtime: Runtime
    images: Images
    size: Size
    shapes: dict[str, tuple[int, ...]]
    maps: "Future[Maps]" = field(default_factory=Future)
    queued_at: float = field(default_factory=time.perf_counter)
    remarks: Remarks = field(default_factory=current_remarks)

    def fits(self, other: "_Job") -> bool:
        """Whether both can go through the network in one batch."""
        return (
            self.runtime is other.runtime
            and self.size == other.size
            and self.shapes == other.shapes
        )

    def fail(self, error: BaseException) -> None:
        """Tell whoever waits, unless there is a result already, or nobody waits any more."""
        with suppress(InvalidStateError):
            self.maps.set_exception(error)


class InferenceQueue:
    """One thread at the network; whoever waits meanwhile goes through it as a batch.

    Every caller gets a result or an error, whatever goes wrong, and the thread goes on. The oldest
    image is always in the next batch, so none waits for ever. A batch that fails is halved until
    what fails is one image alone: the others get their maps, and a GPU out of memory goes on with
    fewer.

    Args:
        max_batch_size: Images of equal shape that go through the network together.
        max_batch_delay_s: How long a batch that is not full waits for more, if images were waiting
            already. An image that finds the network idle never waits.
        observer: Is told about queue, batches and inference.
    """

    def __init__(
        self,
        max_batch_size: int = 1,
        max_batch_delay_s: float = 0.0,
        observer: Observer | None = None,
    ) -> None:
        self._max_batch_size = max_batch_size
        self._max_batch_delay_s = max_batch_delay_s
        self._observer = Guarded(observer or NoObserver())
        self._closed = False
        self.after_fork()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Begin with an empty queue, and a thread when there is work."""
        self._jobs: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._free_since = 0.0

    @property
    def length(self) -> int:
        """How many images wait."""
        return len(self._jobs)

    def infer(self, runtime: Runtime, images: Images, size: Size) -> Maps:
        """See :meth:`Inference.infer`."""
        scope = current_scope()
        scope.check()
        job = _Job(runtime, images, size, {name: image.shape for name, image in images.items()})
        with scope.cancelling(job.maps.cancel):
            self._put(job)
            try:
                return job.maps.result(scope.remaining_s())
            except TimeoutError as error:
                if not job.maps.cancel() and job.maps.done() and job.maps.exception() is error:
                    raise  # the network's own
                raise scope.exceeded() from None
            finally:
                self._forget(job)

    def close(self) -> None:
        """End the thread; images that still wait are called off."""
        with self._changed:
            self._closed = True
            while self._jobs:
                self._jobs.pop().maps.cancel()
            self._changed.notify_all()
            thread = self._thread
        if thread:
            thread.join()

    def _put(self, job: _Job) -> None:
        with self._changed:
            if self._closed:
                raise RuntimeError("the inference queue is closed")
            if self._thread is None:
                thread = threading.Thread(target=self._work, name="inference", daemon=True)
                thread.start()
                self._thread = thread  # if it could be started; else the next caller tries again
            self._jobs.append(job)
            self._observer.queued(len(self._jobs))
            self._changed.notify_all()

    def _forget(self, job: _Job) -> None:
        """An image that nobody waits for any more leaves the queue at once."""
        with self._changed:
            if job in self._jobs:
                self._jobs.remove(job)
                self._observer.queued(len(self._jobs))
                self._changed.notify_all()

    def _work(self) -> None:
        working = True
        while working:
            batch: list[_Job] = []
            try:
                batch = self._next_batch()
                working = bool(batch)
                self._serve(batch)
            # Out of memory, or a fault of ours: those concerned are told, and the thread goes on.
            except BaseException as error:
                logger.exception("the inference thread failed, and goes on")
                for job in batch or self._oldest():
                    job.fail(error)
            del batch  # keep no image while waiting for the next

    def _oldest(self) -> list[_Job]:
        """The oldest image, taken from the queue, so that none can hold it up for ever."""
        with self._changed:
            return [self._jobs.popleft()] if self._jobs else []

    def _serve(self, batch: list[_Job]) -> None:
        now = time.perf_counter()
        wanted = [job for job in batch if job.maps.set_running_or_notify_cancel()]
        for job in wanted:
            self._observer.stage("queue", now - job.queued_at)
            job.remarks["queue_s"] = round(now - job.queued_at, 4)
        if wanted:
            self._run(wanted)
            self._free_since = time.perf_counter()

    def _next_batch(self) -> list[_Job]:
        """The oldest image and those that fit to it; empty when the queue is closed."""
        with self._changed:
            while not self._closed:
                self._changed.wait_for(lambda: self._jobs or self._closed)
                first = self._jobs[0] if self._jobs else None
                if first and self._stays(first):
                    return self._take(self._fitting(first)[: self._max_batch_size])
            return []

    def _stays(self, first: _Job) -> bool:
        """Wait for more to fill its batch, under load; whether it still wants its turn then."""
        busy = first.queued_at < self._free_since
        if busy and self._max_batch_delay_s:
            self._changed.wait_for(lambda: self._is_settled(first), self._max_batch_delay_s)
        return first in self._jobs

    def _take(self, batch: list[_Job]) -> list[_Job]:
        taken = {id(job) for job in batch}
        self._jobs = deque(job for job in self._jobs if id(job) not in taken)
        self._observer.queued(len(self._jobs))
        return batch

    def _fitting(self, first: _Job) -> list[_Job]:
        return [job for job in self._jobs if job.fits(first)]

    def _is_settled(self, first: _Job) -> bool:
        """Whether there is nothing to wait for: its batch is full, or it has been called off."""
        return first not in self._jobs or len(self._fitting(first)) >= self._max_batch_size

    def _run(self, jobs: Sequence[_Job]) -> None:
        try:
            results = self._infer(jobs)
        # Whatever went wrong is told to the one image that it goes wrong with.
        except BaseException as error:  # noqa: BLE001
            if len(jobs) == 1:
                jobs[0].fail(error)
                return
            middle = len(jobs) // 2
            self._run(jobs[:middle])
            self._run(jobs[middle:])
            return
        self._observer.batch(len(jobs))
        for job, maps in zip(jobs, results, strict=True):
            job.maps.set_result(maps)

    def _infer(self, jobs: Sequence[_Job]) -> list[Maps]:
        first = jobs[0]
        batch = _batch_of_one(first.images) if len(jobs) == 1 else _stacked(jobs)
        begin = time.perf_counter()
        with timed(self._observer, "inference"):
            answers = first.runtime.infer(batch, first.size)
        for job in jobs:
            job.remarks["inference_s"] = round(time.perf_counter() - begin, 4)
        if len(jobs) == 1:
            return [_only(answers)]
        # A view would keep the whole batch in memory for as long as one result is kept.
        return [
            {name: answer[index].copy() for name, answer in answers.items()}
            for index in range(len(jobs))
        ]


def _batch_of_one(images: Images) -> Images:
    return {name: image[None] for name, image in images.items()}


def _stacked(jobs: Sequence[_Job]) -> Images:
    return {name: np.stack([job.images[name] for job in jobs]) for name in jobs[0].images}


def _only(answers: Maps) -> Maps:
    return {name: answer[0] for name, answer in answers.items()}
