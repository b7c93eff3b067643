"""Commands through one stream: results in order, and each error in its own frame's place."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

from vizion3d.client.exchange import OverGrpc
from vizion3d.core.cqrs import Command
from vizion3d.errors import Vizion3DError
from vizion3d.wire.problems import error_of

R = TypeVar("R")

_AHEAD = 8
"""Commands that are taken from their source before the results of those before are taken."""


@dataclass(frozen=True)
class _Sent:
    """A frame that the server has, or will have."""

    command: Any
    request: Any
    at_s: float = field(default_factory=time.monotonic)


@dataclass(frozen=True)
class _Outcome:
    """What the server answers to the first frame that waits."""

    message: Any


@dataclass(frozen=True)
class _NotSent:
    """A frame that could not be made a message."""

    error: Vizion3DError


@dataclass(frozen=True)
class _SourceEnded:
    """The source of commands raised something."""

    error: Exception


@dataclass(frozen=True)
class _StreamEnded:
    """No outcome follows."""

    error: Exception | None


class Frames(Generic[R]):
    """One stream of commands; three threads meet here: gRPC's, which takes commands from their
    source; one that takes outcomes from the server; and the caller's.

    Args:
        commands: All of one type.
        task: How they travel.
        timeout_s: How long the caller waits for an outcome.
        late: Makes the error that says that there was none.
    """

    def __init__(
        self,
        commands: Iterable[Command[R]],
        task: OverGrpc[Any, R, Any, Any],
        timeout_s: float,
        late: Callable[[], Exception],
    ) -> None:
        self._commands = commands
        self._task = task
        self._timeout_s = timeout_s
        self._late = late
        self._events: SimpleQueue[Any] = SimpleQueue()
        self._room = threading.Semaphore(_AHEAD)
        self._closed = False

    def requests(self) -> Iterator[Any]:
        """The messages to send; taken by gRPC, in a thread of its own."""
        try:
            for command in self._commands:
                self._room.acquire()
                if self._closed:
                    return
                try:
                    request = self._task.write(command)
                except Vizion3DError as error:
                    self._events.put(_NotSent(error))
                    continue
                self._events.put(_Sent(command, request))
                yield request
        except Exception as error:  # noqa: BLE001 (raised where the results are taken)
            self._events.put(_SourceEnded(error))

    def results(self, stream: Any) -> Iterator[R | Vizion3DError]:
        """What comes of them, in their order.

        Args:
            stream: The call that :meth:`requests` was handed to.

        Raises:
            Exception: What the source of commands raised, after the results of those before; what
                ended the stream; or that there was no outcome in time.
        """
        threading.Thread(target=self._take, args=(stream,), name="outcomes", daemon=True).start()
        waiting: deque[_Sent | _NotSent | _SourceEnded] = deque()
        heard_at_s = 0.0
        try:
            while True:
                first = waiting[0] if waiting else None
                if isinstance(first, _NotSent | _SourceEnded):
                    waiting.popleft()
                    yield self._told(first)
                    continue
                event = self._next(first, heard_at_s)
                if isinstance(event, _StreamEnded):
                    if event.error is not None:
                        raise event.error
                    return
                if isinstance(event, _Outcome) and first is not None:
                    heard_at_s = time.monotonic()
                    waiting.popleft()
                    yield self._read(first, event.message)
                else:
                    waiting.append(event)
        finally:
            self._closed = True
            self._room.release()  # who takes commands may be waiting for it
            stream.cancel()

    def _take(self, stream: Any) -> None:
        """Hand over what the server sends, and what ends it."""
        error: Exception | None = None
        try:
            for message in stream:
                self._events.put(_Outcome(message))
        except Exception as raised:  # noqa: BLE001 (raised where the results are taken)
            error = raised
        self._events.put(_StreamEnded(error))

    def _next(self, first: _Sent | None, heard_at_s: float) -> Any:
        """The next event; in time, if a frame waits for its outcome."""
        if first is None:
            return self._events.get()
        remaining_s = max(first.at_s, heard_at_s) + self._timeout_s - time.monotonic()
        try:
            return self._events.get(timeout=max(0.0, remaining_s))
        except Empty:
            raise self._late() from None

    def _told(self, failed: _NotSent | _SourceEnded) -> Vizion3DError:
        if isinstance(failed, _SourceEnded):
            raise failed.error
        self._room.release()
        return failed.error

    def _read(self, sent: _Sent, message: Any) -> R | Vizion3DError:
        self._room.release()
        if message.WhichOneof("outcome") == "error":
            return error_of(message.error.problem, message.error.detail)
        return self._task.read(sent.command, sent.request, message.result)
