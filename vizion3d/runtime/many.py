"""Many commands through one bounded pipeline: several at work, few in memory."""

import os
import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import Generic, Literal, Protocol, Self, TypeVar, get_args

from vizion3d.core.cqrs import CommandBus
from vizion3d.core.observe import Observer
from vizion3d.core.scope import Scope, current_scope, within
from vizion3d.errors import InvalidConfigError
from vizion3d.runtime.choice import default_batch_size
from vizion3d.runtime.queue import Inference, InferenceQueue
from vizion3d.settings import Settings

C = TypeVar("C")
R = TypeVar("R")

OnError = Literal["raise", "yield"]
BatchSize = int | Literal["auto"]

_SOURCE_GRACE_S = 0.5
"""How long closing waits for a source of commands that is busy handing one over."""


class Application(Protocol):
    """What :func:`run_batched` needs of :class:`vizion3d.container.Container`."""

    @property
    def settings(self) -> Settings:
        """Device and precision, which decide how large batches are best."""

    @property
    def commands(self) -> CommandBus:
        """Where to dispatch commands."""

    @property
    def observer(self) -> Observer:
        """Is told what happens."""

    def with_inference(self, inference: Inference) -> Self:
        """The same application with another turn at the network."""


def run_many(
    dispatch: Callable[[C], R],
    commands: Iterable[C],
    *,
    window: int,
    threads: int | None = None,
    ordered: bool = True,
    on_error: OnError = "raise",
) -> Generator[R | Exception, None, None]:
    """Dispatch commands in a pool of threads and yield their results.

    Work begins with the first result that is asked for. The commands are iterated in a thread of
    their own, so they may block (on a client, a camera): what is done already is yielded meanwhile.
    The caller's scope (:mod:`vizion3d.core.scope`) holds for all of them. Closing the generator
    calls off what waits, and returns when what runs has ended.

    Args:
        dispatch: Does one command. Called from several threads.
        commands: What to do; any length.
        window: Commands taken from ``commands`` whose results are not yet handed out, at most.
        threads: That work at the same time; as many as ``window`` if it is not given.
        ordered: Yield in the order of the commands; otherwise as they are done.
        on_error: ``"raise"`` ends with the first error; ``"yield"`` yields an error in the place of
            the result and goes on.

    Yields:
        What ``dispatch`` returned; with ``on_error="yield"`` also what it raised.

    Raises:
        InvalidConfigError: A parameter makes no sense.
        Exception: What ``commands`` raised, after the results of those before.
        DeadlineExceededError: The caller's deadline passed.
        CancelledError: The caller's scope was cancelled.
        RuntimeError: The iterator was begun, and then carried into a process that was forked.
    """
    if window < 1:
        raise InvalidConfigError(f"window must be at least 1 command, got {window}")
    if on_error not in get_args(OnError):
        raise InvalidConfigError(f"on_error must be one of {get_args(OnError)}, got {on_error!r}")
    return _results(dispatch, commands, window, threads or window, ordered, on_error)


def run_batched(
    container: Application,
    work: Callable[[CommandBus, C], R],
    items: Iterable[C],
    *,
    batch_size: BatchSize = "auto",
    ordered: bool = True,
    on_error: OnError = "raise",
) -> Generator[R | Exception, None, None]:
    """:func:`run_many` with a queue before the network, where images meet and form batches.

    Args:
        container: Whose checkpoints and loaded models are used.
        work: Does one item, with commands that it dispatches through the bus that it is given.
        items: What to do; any length.
        batch_size: Images of equal shape that go through the network together, at most; ``"auto"``
            is what is best for the device.
        ordered: As for :func:`run_many`.
        on_error: As for :func:`run_many`.
    """
    size = default_batch_size(container.settings) if batch_size == "auto" else batch_size
    if not isinstance(size, int) or size < 1:
        raise InvalidConfigError(f'batch_size must be "auto" or at least 1, got {batch_size!r}')
    threads = threads_around(size)
    queue = InferenceQueue(size, observer=container.observer)
    bus = container.with_inference(queue).commands
    results = run_many(
        partial(work, bus),
        items,
        window=2 * threads,
        threads=threads,
        ordered=ordered,
        on_error=on_error,
    )
    return _closing(queue, results)


def threads_around(batch_size: int) -> int:
    """Threads that keep batches coming: while one is at the network, others decode and package."""
    return batch_size + max(batch_size, _cores() - 1)


def _closing(
    queue: InferenceQueue, results: Generator[R | Exception, None, None]
) -> Generator[R | Exception, None, None]:
    try:
        yield from results
    finally:
        queue.close()


def _cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _results(
    dispatch: Callable[[C], R],
    commands: Iterable[C],
    window: int,
    threads: int,
    ordered: bool,
    on_error: OnError,
) -> Generator[R | Exception, None, None]:
    caller = current_scope()
    line = _Line(dispatch, Scope(caller.remaining_s()), window, threads, ordered)
    feeder = threading.Thread(
        target=line.feed, args=(commands,), name="run-many-source", daemon=True
    )
    with caller.cancelling(line.cancel):
        try:
            feeder.start()
            while (finished := line.next()) is not None:
                yield line.outcome(finished, on_error)
                del finished  # keep no result while waiting for the next
        finally:
            if line.is_of_this_process:
                line.close()
                feeder.join(_SOURCE_GRACE_S)


@dataclass(frozen=True)
class _End:
    """No command follows: so many there were, and what ended them if it was an error."""

    count: int
    error: BaseException | None = None


class _Line(Generic[C, R]):
    """What the thread that takes commands in and the one that hands results out share."""

    def __init__(
        self,
        dispatch: Callable[[C], R],
        scope: Scope,
        window: int,
        threads: int,
        ordered: bool,
    ) -> None:
        self._process = os.getpid()
        self._dispatch = dispatch
        self._scope = scope
        self._ordered = ordered
        self._slots = threading.Semaphore(window)
        self._pool = ThreadPoolExecutor(threads, "run-many")
        # Futures in the order in which they are to be handed out, done or not, and ends.
        self._line: SimpleQueue[Future[R] | _End] = SimpleQueue()
        self._handed_out = 0
        self._end: _End | None = None

    @property
    def is_of_this_process(self) -> bool:
        """Whether its threads run here, and not in a process that this one was forked from."""
        return self._process == os.getpid()

    def feed(self, commands: Iterable[C]) -> None:
        """Have the pool work on commands, as slots become free."""
        count, error = 0, None
        try:
            source = iter(commands)
            while self._slots.acquire():
                self._scope.check()
                try:
                    command = next(source)
                except StopIteration:
                    break
                future = self._pool.submit(self._work, command)
                count += 1
                if self._ordered:
                    self._line.put(future)
                else:
                    future.add_done_callback(self._line.put)
                del command, future  # keep none while the source takes its time
        except BaseException as raised:  # noqa: BLE001 (told to whoever asks for results)
            error = raised
        self._line.put(_End(count, error))

    def next(self) -> "Future[R] | None":
        """The next future to hand out, done; ``None`` after the last.

        Raises:
            RuntimeError: This process was forked after the threads had started: they are not here.
        """
        if not self.is_of_this_process:
            raise RuntimeError(
                f"this iterator's threads run in process {self._process}, and process "
                f"{os.getpid()} was forked from it: call run_many where its results are read"
            )
        while self._end is None or self._handed_out < self._end.count:
            try:
                item = self._line.get(timeout=self._scope.remaining_s())
            except Empty:
                raise self._scope.exceeded() from None
            if isinstance(item, _End):
                self._end = item
                continue
            if wait([item], self._scope.remaining_s()).not_done:
                raise self._scope.exceeded()
            self._handed_out += 1
            self._slots.release()
            return item
        if self._end.error:
            raise self._end.error
        return None

    def outcome(self, finished: "Future[R]", on_error: OnError) -> R | Exception:
        """What a command came to."""
        try:
            return finished.result()
        except CancelledError:
            raise  # nobody wants what follows either
        except Exception as error:
            if on_error == "raise":
                raise
            return error

    def cancel(self) -> None:
        """Call off what waits, and wake who waits for it."""
        self._scope.cancel()
        self._line.put(_End(0, CancelledError()))

    def close(self) -> None:
        """Call off what waits, and return when the pool's threads have ended."""
        self._scope.cancel()
        self._slots.release()  # the feeder may be waiting for one
        self._pool.shutdown(cancel_futures=True)

    def _work(self, command: C) -> R:
        with within(self._scope):
            self._scope.check()
            return self._dispatch(command)
