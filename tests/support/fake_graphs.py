"""CUDA graphs on a CPU."""

import weakref
from collections.abc import Callable

from vizion3d.runtime.cuda_graphs import Graph, Outputs


def afresh(error: Exception) -> Exception:
    """An error as it was before it was raised: a traceback would keep graphs alive."""
    return type(error)(*error.args)


class FakeGraph:
    """A run that is computed anew when it is replayed."""

    def __init__(
        self, capturer: "FakeCapturer", run: Callable[[], Outputs], outputs: Outputs
    ) -> None:
        self._capturer, self._run, self._outputs = capturer, run, outputs

    def replay(self) -> None:
        self._capturer.replayed += 1
        if self._capturer.replay_error:
            raise afresh(self._capturer.replay_error)
        for output, computed in zip(self._outputs, self._run(), strict=True):
            output.copy_(computed)


class FakeCapturer:
    """Captures as CUDA does, whose outputs hold nothing before a replay, and counts.

    Args:
        fails_after: Captures that succeed before the others fail.
        error: With which they do.

    Attributes:
        replay_error: Is raised by replays, if there is one.
    """

    def __init__(self, fails_after: int = 1_000_000, error: Exception | None = None) -> None:
        self._fails_after, self._error = fails_after, error
        self.tried = self.captured = self.replayed = self.given_back = 0
        self.replay_error: Exception | None = None
        self._graphs: weakref.WeakSet[FakeGraph] = weakref.WeakSet()

    @property
    def alive(self) -> int:
        return len(self._graphs)

    def capture(self, run: Callable[[], Outputs]) -> tuple[Graph, Outputs]:
        self.tried += 1
        outputs = run()
        if self.captured == self._fails_after and self._error:
            raise afresh(self._error)
        self.captured += 1
        for output in outputs:
            output.fill_(float("nan"))
        graph = FakeGraph(self, run, outputs)
        self._graphs.add(graph)
        return graph, outputs

    def give_back(self) -> None:
        self.given_back += 1
