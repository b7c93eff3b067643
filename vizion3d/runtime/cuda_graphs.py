"""A network's runs on one image or pair as CUDA graphs, one for each shape of its inputs.

A run in Python is hundreds of launches, and the GPU waits for them where there is but one image. A
graph is launched as a whole. A batch keeps the GPU busy: there a graph gains little, and costs
memory for the largest batch.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from typing import Protocol, TypeAlias

import torch
from torch import Tensor, nn

logger = logging.getLogger(__name__)

Outputs: TypeAlias = tuple[Tensor, ...]

KEPT_GRAPHS = 8
"""Shapes whose graphs a runtime keeps.

All use one pool of memory, on top of what torch keeps for runs without a graph. It is as large as
the largest run needs, and somewhat more where small ones were captured first.
"""
RUNS_BEFORE = 2
"""Runs of a shape before it is captured: a shape that comes once is not worth it, and cuDNN and
cuBLAS choose their kernels in them."""
RUNS_BETWEEN = 64
"""Runs after which the graph that was used longest ago may give way to another one: of more shapes
than are kept, each would else be captured again and again."""
_REMEMBERED_SHAPES = 64

_capturing = threading.Lock()
_abandoned: list[torch.cuda.CUDAGraph] = []
"""Empty graphs of failed captures. What torch asks of pinned memory it may go on asking of them, so
they stay; a runtime has one at most."""


class Graph(Protocol):
    """A run that was captured."""

    def replay(self) -> None:
        """Compute its outputs anew, in the same tensors, from what its inputs hold now."""


class Capturer(Protocol):
    """Makes graphs. They are made, replayed and freed in one thread at a time."""

    def capture(self, run: Callable[[], Outputs]) -> tuple[Graph, Outputs]:
        """A graph of ``run``, and its outputs, which hold nothing before it is replayed.

        Raises:
            RuntimeError: It cannot be captured, or there is too little memory.
        """

    def give_back(self) -> None:
        """Give the memory of graphs that are gone back to the device."""


@dataclass(frozen=True)
class _Captured:
    """A graph with all that its kernels read or write and nobody else holds.

    Attributes:
        graph: The graph.
        inputs: Are filled before a run.
        extras: Were read when it was captured, and are whenever it is replayed.
        outputs: Of the last run.
    """

    graph: Graph
    inputs: tuple[Tensor, ...]
    extras: tuple[Tensor, ...]
    outputs: Outputs

    def __call__(self, inputs: Sequence[Tensor]) -> Outputs:
        for own, given in zip(self.inputs, inputs, strict=True):
            own.copy_(given)
        self.graph.replay()
        return self.outputs


def _eager(module: nn.Module, inputs: Sequence[Tensor], extras: tuple[Tensor, ...]) -> Outputs:
    answers: Tensor | Outputs = module(*inputs, *extras)
    return (answers,) if isinstance(answers, Tensor) else answers


class GraphedModule:
    """A network whose runs on one image or pair are captured as graphs when a shape comes again.

    What cannot be captured runs as it is, and so does everything without a capturer. It is for one
    thread at a time.

    Args:
        module: The network.
        capturer: Makes the graphs; ``None``: no graphs.
        kept: Of how many shapes, at most.
    """

    def __init__(
        self, module: nn.Module, capturer: Capturer | None, kept: int = KEPT_GRAPHS
    ) -> None:
        self._module = module
        self._capturer = capturer
        self._kept = kept
        self._graphs: OrderedDict[tuple[torch.Size, ...], _Captured] = OrderedDict()
        self._runs: OrderedDict[tuple[torch.Size, ...], int] = OrderedDict()
        self._runs_since_captured = 0

    @property
    def count(self) -> int:
        """Graphs that are kept."""
        return len(self._graphs)

    def __call__(self, inputs: Sequence[Tensor], extras: tuple[Tensor, ...]) -> Outputs:
        """Run the network.

        Args:
            inputs: Its images, ``(N, 3, h, w)`` each, always in the same data type and layout.
            extras: What else it takes; the same numbers whenever the inputs have this shape.

        Returns:
            Its outputs. The next run may overwrite them.
        """
        shape = tuple(given.shape for given in inputs)
        captured = self._graphs.get(shape)
        if captured is None and self._is_due(shape):
            captured = self._captured(shape, inputs, extras)
        if captured is None:
            return _eager(self._module, inputs, extras)
        self._graphs.move_to_end(shape)
        self._runs_since_captured += 1
        return captured(inputs)

    def release(self) -> None:
        """Free all graphs and capture none any more: the device is short of memory."""
        self._stop("the device is out of memory")
        self._graphs.clear()
        self._give_back()

    def _is_due(self, shape: tuple[torch.Size, ...]) -> bool:
        """Whether this shape, of which there is no graph, is to be captured now."""
        is_single = shape[0][0] == 1
        if self._capturer is None or not self._kept or not is_single:
            return False
        runs = self._runs.pop(shape, 0)
        self._runs[shape] = runs + 1
        if len(self._runs) > _REMEMBERED_SHAPES:
            self._runs.popitem(last=False)
        self._runs_since_captured += 1
        has_room = len(self._graphs) < self._kept or self._runs_since_captured > RUNS_BETWEEN
        return runs >= RUNS_BEFORE and has_room

    def _captured(
        self, shape: tuple[torch.Size, ...], inputs: Sequence[Tensor], extras: tuple[Tensor, ...]
    ) -> _Captured | None:
        assert self._capturer is not None
        if len(self._graphs) == self._kept:
            self._graphs.popitem(last=False)
        own = tuple(given.clone() for given in inputs)  # in the same layout
        try:
            graph, outputs = self._capturer.capture(partial(_eager, self._module, own, extras))
        except RuntimeError as error:
            self._stop(str(error).partition("\n")[0])
        else:
            self._runs_since_captured = 0
            captured = self._graphs[shape] = _Captured(graph, own, extras, outputs)
            return captured
        self._give_back()  # now that no traceback holds its tensors
        return None

    def _give_back(self) -> None:
        if self._capturer:
            self._capturer.give_back()

    def _stop(self, reason: str) -> None:
        """Capture nothing any more."""
        name = type(self._module).__name__
        logger.info("%s runs without further CUDA graphs: %s", name, reason)
        self._runs.clear()
        self._kept = 0


class CudaCapturer:
    """CUDA graphs of one network: its shapes share a pool of memory.

    That is sound although each overwrites what the others computed, because outputs are used before
    the next run: all is done in one thread and in one stream.

    Args:
        device: Where the network is.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._pool = torch.cuda.graph_pool_handle()

    def capture(self, run: Callable[[], Outputs]) -> tuple[Graph, Outputs]:
        """See :meth:`Capturer.capture`."""
        stream = _stream(self._device)
        with _capturing, torch.cuda.device(self._device):
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                run()  # what the libraries keep by stream is not to lie in the graph's pool
            torch.cuda.synchronize()
            torch.cuda.empty_cache()
            with torch.cuda.stream(stream):
                return self._recorded(run)

    def _recorded(self, run: Callable[[], Outputs]) -> tuple[Graph, Outputs]:
        """As ``torch.cuda.graph`` does it, which leaves its stream current if the run fails."""
        graph = torch.cuda.CUDAGraph()
        try:
            # Other threads may use CUDA meanwhile.
            graph.capture_begin(pool=self._pool, capture_error_mode="thread_local")
            try:
                outputs = run()
            finally:
                graph.capture_end()
        except BaseException:
            self._abandon(graph)
            raise
        return graph, outputs

    def _abandon(self, graph: torch.cuda.CUDAGraph) -> None:
        """Where a run cannot be captured, ``capture_end`` raises before it leaves the pool."""
        index = torch.cuda.current_device()
        # It may have left the pool, and given it back; and these functions are torch's own.
        with suppress(RuntimeError, AttributeError):
            torch._C._cuda_endAllocateToPool(index, self._pool)
            torch._C._cuda_releasePool(index, self._pool)
        graph.reset()
        _abandoned.append(graph)

    def give_back(self) -> None:
        """See :meth:`Capturer.give_back`."""
        with _capturing:
            torch.cuda.empty_cache()


@cache
def _stream(device: torch.device) -> torch.cuda.Stream:
    """Where a device's graphs are captured. cuBLAS keeps some memory for each stream."""
    return torch.cuda.Stream(device)
