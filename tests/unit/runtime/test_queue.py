import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import pytest

from tests.support.fakes import RELATIVE, Recorder
from vizion3d.core.arrays import Float32Array, UInt8Array
from vizion3d.core.scope import Scope, within
from vizion3d.errors import DeadlineExceededError
from vizion3d.networks.base import Size
from vizion3d.runtime.base import Images, Maps, Runtime
from vizion3d.runtime.queue import DirectInference, Inference, InferenceQueue

SIZE = (14, 14)


def grey(value: int, shape: tuple[int, int] = (4, 6)) -> UInt8Array:
    return np.full((*shape, 3), value, np.uint8)


def depth_of(inference: Inference, runtime: Runtime, image: UInt8Array) -> Float32Array:
    return inference.infer(runtime, {"image": image}, SIZE)["depth"]


class GatedRuntime:
    """Answers each image's first value as its depth, once its gate is open; some values fail."""

    description = "gated"
    network = RELATIVE

    def __init__(self, fails: tuple[int, ...] = (), largest_batch: int = 100) -> None:
        self.gate = threading.Event()
        self.entered = threading.Event()
        self.batches: list[list[int]] = []
        self.fails = fails
        self.largest_batch = largest_batch

    def infer(self, images: Images, size: Size) -> Maps:
        self.entered.set()
        assert self.gate.wait(30)
        image = images["image"]
        values = image[:, 0, 0, 0].tolist()
        if len(values) > self.largest_batch:
            raise MemoryError("out of memory")
        if set(values) & set(self.fails):
            raise ValueError("bad image")
        self.batches.append(values)
        return {"depth": image[..., 0].astype(np.float32)}


class Callers:
    """Threads that each ask for one image."""

    def __init__(self, inference: Inference, pool: ThreadPoolExecutor) -> None:
        self.inference, self.pool = inference, pool

    def ask(
        self, runtime: GatedRuntime, image: UInt8Array, scope: Scope | None = None
    ) -> "Future[float]":
        def call() -> float:
            with within(scope or Scope()):
                return float(depth_of(self.inference, runtime, image)[0, 0])

        return self.pool.submit(call)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as pool:
        yield pool


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


def has_length(queue: InferenceQueue, count: int) -> bool:
    return queue.length == count


def ask_while_busy(
    callers: Callers, queue: InferenceQueue, runtime: GatedRuntime, images: Sequence[UInt8Array]
) -> list["Future[float]"]:
    """The first image at the network, the others waiting in their order."""
    asked = [callers.ask(runtime, images[0])]
    assert runtime.entered.wait(30)
    for count, image in enumerate(images[1:], 1):
        asked.append(callers.ask(runtime, image))
        until(partial(has_length, queue, count))
    return asked


def test_a_direct_inference_runs_in_the_callers_thread() -> None:
    runtime, recorder = GatedRuntime(), Recorder()
    runtime.gate.set()
    depth = depth_of(DirectInference(recorder), runtime, grey(7))
    assert depth.shape == (4, 6)
    assert depth[0, 0] == 7
    assert [stage for stage, _ in recorder.stages] == ["inference"]
    with within(Scope(0)), pytest.raises(DeadlineExceededError):
        depth_of(DirectInference(), runtime, grey(7))


def test_images_that_wait_go_together_in_order_up_to_the_limit(pool: ThreadPoolExecutor) -> None:
    runtime, recorder = GatedRuntime(), Recorder()
    queue = InferenceQueue(max_batch_size=3, observer=recorder)
    asked = ask_while_busy(Callers(queue, pool), queue, runtime, [grey(v) for v in range(8)])
    runtime.gate.set()
    assert [f.result(30) for f in asked] == list(range(8))
    assert runtime.batches == [[0], [1, 2, 3], [4, 5, 6], [7]]
    assert recorder.batches == [1, 3, 3, 1]
    assert len([1 for stage, _ in recorder.stages if stage == "queue"]) == 8
    queue.close()


def test_a_result_keeps_nothing_of_its_batch(pool: ThreadPoolExecutor) -> None:
    runtime, queue = GatedRuntime(), InferenceQueue(max_batch_size=4)
    kept: list[Float32Array] = []
    pool.submit(lambda: kept.append(depth_of(queue, runtime, grey(0))))
    assert runtime.entered.wait(30)
    waiting = [
        pool.submit(lambda: kept.append(depth_of(queue, runtime, grey(1)))) for _ in range(4)
    ]
    until(lambda: queue.length == 4)
    runtime.gate.set()
    for future in waiting:
        future.result(30)
    until(lambda: len(kept) == 5)
    assert runtime.batches == [[0], [1, 1, 1, 1]]
    assert all(depth.base is None or depth.base.nbytes == depth.nbytes for depth in kept)
    queue.close()


def test_only_images_of_one_shape_and_runtime_go_together(pool: ThreadPoolExecutor) -> None:
    runtime, queue = GatedRuntime(), InferenceQueue(max_batch_size=8)
    images = [grey(0), grey(1), grey(2, (5, 5)), grey(3), grey(4, (5, 5))]
    asked = ask_while_busy(Callers(queue, pool), queue, runtime, images)
    runtime.gate.set()
    assert [f.result(30) for f in asked] == [0, 1, 2, 3, 4]
    assert runtime.batches == [[0], [1, 3], [2, 4]]
    queue.close()


def test_one_bad_image_of_a_batch_fails_alone(pool: ThreadPoolExecutor) -> None:
    runtime, queue = GatedRuntime(fails=(3,)), InferenceQueue(max_batch_size=8)
    asked = ask_while_busy(Callers(queue, pool), queue, runtime, [grey(v) for v in range(6)])
    runtime.gate.set()
    for value, future in enumerate(asked):
        if value == 3:
            with pytest.raises(ValueError, match="bad image"):
                future.result(30)
        else:
            assert future.result(30) == value
    queue.close()


def test_out_of_memory_halves_the_batch(pool: ThreadPoolExecutor) -> None:
    runtime, queue = GatedRuntime(largest_batch=2), InferenceQueue(max_batch_size=8)
    asked = ask_while_busy(Callers(queue, pool), queue, runtime, [grey(v) for v in range(9)])
    runtime.gate.set()
    assert [f.result(30) for f in asked] == list(range(9))
    assert max(map(len, runtime.batches)) == 2
    queue.close()


def test_a_full_batch_does_not_wait_and_another_waits_for_more(pool: ThreadPoolExecutor) -> None:
    runtime = GatedRuntime()
    queue = InferenceQueue(max_batch_size=2, max_batch_delay_s=30)
    callers = Callers(queue, pool)
    asked = ask_while_busy(callers, queue, runtime, [grey(0), grey(1)])
    runtime.gate.set()
    until(lambda: runtime.batches == [[0]])  # an image that found the network idle did not wait
    asked.append(callers.ask(runtime, grey(2)))
    assert [f.result(20) for f in asked] == [0, 1, 2]
    assert runtime.batches == [[0], [1, 2]]
    queue.close()


def test_who_is_cancelled_while_waiting_never_reaches_the_network(pool: ThreadPoolExecutor) -> None:
    runtime, queue, scope = GatedRuntime(), InferenceQueue(), Scope()
    callers = Callers(queue, pool)
    (first,) = ask_while_busy(callers, queue, runtime, [grey(0)])
    gone = callers.ask(runtime, grey(1), scope)
    until(lambda: queue.length == 1)
    scope.cancel()
    with pytest.raises(CancelledError):
        gone.result(5)  # at once, though the network is still busy
    runtime.gate.set()
    assert first.result(30) == 0
    assert callers.ask(runtime, grey(2)).result(30) == 2
    assert runtime.batches == [[0], [2]]
    queue.close()


def test_the_network_goes_on_after_its_next_image_was_called_off(pool: ThreadPoolExecutor) -> None:
    runtime, scope = GatedRuntime(), Scope()
    queue = InferenceQueue(max_batch_size=2, max_batch_delay_s=30)
    callers = Callers(queue, pool)
    (first,) = ask_while_busy(callers, queue, runtime, [grey(0)])
    gone = callers.ask(runtime, grey(1), scope)
    until(lambda: queue.length == 1)
    runtime.gate.set()
    assert first.result(30) == 0  # the second's batch waits for more now
    scope.cancel()
    with pytest.raises(CancelledError):
        gone.result(5)
    assert callers.ask(runtime, grey(2)).result(20) == 2
    queue.close()


def test_a_deadline_covers_waiting_and_running(pool: ThreadPoolExecutor) -> None:
    runtime, queue = GatedRuntime(), InferenceQueue()
    callers = Callers(queue, pool)
    running = callers.ask(runtime, grey(0), Scope(0.3))
    assert runtime.entered.wait(30)
    waiting = callers.ask(runtime, grey(1), Scope(0.05))
    for late in (running, waiting):
        with pytest.raises(DeadlineExceededError, match="within 0"):
            late.result(5)
    runtime.gate.set()
    assert callers.ask(runtime, grey(2)).result(30) == 2
    assert [1] not in runtime.batches
    queue.close()


def test_the_networks_own_timeout_is_no_deadline(pool: ThreadPoolExecutor) -> None:
    class TimingOut(GatedRuntime):
        def infer(self, images: Images, size: Size) -> Maps:
            raise TimeoutError("device lost")

    queue = InferenceQueue()
    with pytest.raises(TimeoutError, match="device lost"):
        depth_of(queue, TimingOut(), grey(0))
    queue.close()


def test_closing_calls_off_what_waits_and_ends_the_thread(pool: ThreadPoolExecutor) -> None:
    of_others = set(threading.enumerate())
    runtime, queue = GatedRuntime(), InferenceQueue()
    asked = ask_while_busy(Callers(queue, pool), queue, runtime, [grey(0), grey(1)])
    closing = pool.submit(queue.close)
    with pytest.raises(CancelledError):
        asked[1].result(5)
    runtime.gate.set()
    assert asked[0].result(5) == 0
    closing.result(5)
    left = set(threading.enumerate()) - of_others
    assert not [t for t in left if t.name == "inference"]
    with pytest.raises(RuntimeError, match="closed"):
        depth_of(queue, runtime, grey(2))


def test_batches_form_by_the_shapes_of_every_input(pool: ThreadPoolExecutor) -> None:
    class Pairs(GatedRuntime):
        """Answers a map and a vector of two images."""

        def infer(self, images: Images, size: Size) -> Maps:
            self.entered.set()
            assert self.gate.wait(30)
            left, right = images["left"], images["right"]
            self.batches.append(left[:, 0, 0, 0].tolist())
            means = np.stack([left.mean((1, 2, 3)), right.mean((1, 2, 3))], axis=1)
            return {"disparity": left[..., 0] - np.float32(1), "means": means.astype(np.float32)}

    runtime, queue = Pairs(), InferenceQueue(max_batch_size=8)

    def ask(value: int, right: tuple[int, int]) -> "Future[Maps]":
        pair = {"left": grey(value), "right": grey(10 * value, right)}
        return pool.submit(lambda: queue.infer(runtime, pair, SIZE))

    asked = [ask(1, (4, 6))]
    assert runtime.entered.wait(30)
    for count, (value, right) in enumerate([(2, (4, 6)), (3, (5, 5)), (4, (4, 6))], 1):
        asked.append(ask(value, right))
        until(partial(has_length, queue, count))
    runtime.gate.set()
    for value, future in enumerate(asked, 1):
        maps = future.result(30)
        assert maps["disparity"].shape == (4, 6)
        assert (maps["disparity"] == value - 1).all()
        assert maps["means"].tolist() == [value, 10 * value]
    assert runtime.batches == [[1], [2, 4], [3]]
    queue.close()


class FailingObserver:
    """Fails at whatever it is told."""

    def stage(self, stage: str, seconds: float) -> None:
        raise RuntimeError("no stage")

    def batch(self, size: int) -> None:
        raise RuntimeError("no batch")

    def queued(self, count: int) -> None:
        raise RuntimeError("no count")


def test_an_observer_that_fails_disturbs_nobody(
    pool: ThreadPoolExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    runtime = GatedRuntime()
    queue = InferenceQueue(max_batch_size=2, observer=FailingObserver())
    asked = ask_while_busy(Callers(queue, pool), queue, runtime, [grey(v) for v in range(4)])
    runtime.gate.set()
    assert [f.result(30) for f in asked] == [0, 1, 2, 3]
    assert depth_of(DirectInference(FailingObserver()), runtime, grey(7))[0, 0] == 7
    assert caplog.text.count("FailingObserver object") == 2, "once each, not every time"
    queue.close()


class Unstackable(np.ndarray[tuple[int, ...], np.dtype[np.uint8]]):
    """An image for whose batch there is no memory."""

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func is np.stack:
            raise MemoryError("no batch fits into memory")
        return super().__array_function__(func, types, args, kwargs)


def test_images_that_cannot_be_put_together_go_alone(pool: ThreadPoolExecutor) -> None:
    runtime, queue = GatedRuntime(), InferenceQueue(max_batch_size=8)
    images = [grey(v).view(Unstackable) for v in range(4)]
    asked = ask_while_busy(Callers(queue, pool), queue, runtime, images)
    runtime.gate.set()
    assert [f.result(30) for f in asked] == [0, 1, 2, 3]
    queue.close()


class Answering(GatedRuntime):
    """Answers, or raises, what it was given."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer = answer

    def infer(self, images: Images, size: Size) -> Maps:
        if isinstance(self.answer, BaseException):
            raise self.answer
        answer: Maps = self.answer
        return answer


@pytest.mark.parametrize(
    "answer",
    [SystemExit("of a library"), GeneratorExit(), None, {"depth": None}, {"depth": np.zeros(0)}],
    ids=repr,
)
def test_whatever_the_network_does_its_caller_is_told_and_the_thread_goes_on(answer: Any) -> None:
    queue, good = InferenceQueue(), GatedRuntime()
    good.gate.set()
    with within(Scope(30)), pytest.raises(BaseException) as told:  # noqa: PT011
        depth_of(queue, Answering(answer), grey(1))
    assert not isinstance(told.value, DeadlineExceededError)
    with within(Scope(30)):
        assert depth_of(queue, good, grey(2))[0, 0] == 2
    queue.close()


def test_what_is_no_image_is_told_to_its_caller_alone(pool: ThreadPoolExecutor) -> None:
    runtime, queue = GatedRuntime(), InferenceQueue(max_batch_size=4)
    asked = ask_while_busy(Callers(queue, pool), queue, runtime, [grey(0), grey(1)])
    with pytest.raises(AttributeError):
        queue.infer(runtime, {"image": None}, SIZE)  # type: ignore[dict-item]
    runtime.gate.set()
    assert [f.result(30) for f in asked] == [0, 1]
    queue.close()


def test_a_thread_that_cannot_be_started_is_told_and_tried_again() -> None:
    runtime, queue = GatedRuntime(), InferenceQueue()
    runtime.gate.set()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading, "Thread", NoThread)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            depth_of(queue, runtime, grey(1))
    with within(Scope(30)):
        assert depth_of(queue, runtime, grey(2))[0, 0] == 2
    queue.close()


class NoThread:
    """A thread of a system that has no more of them."""

    def __init__(self, **_given: Any) -> None:
        pass

    def start(self) -> None:
        raise RuntimeError("can't start new thread")


FORKED = """
import os, sys, numpy as np
from tests.unit.runtime.test_queue import GatedRuntime, depth_of, grey
from vizion3d.runtime.queue import InferenceQueue

runtime, queue = GatedRuntime(), InferenceQueue()
runtime.gate.set()
assert depth_of(queue, runtime, grey(1))[0, 0] == 1
child = os.fork()
assert depth_of(queue, runtime, grey(2))[0, 0] == 2
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.process
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_queue_works_in_a_process_that_is_forked_after_its_first_use() -> None:
    subprocess.run([sys.executable, "-W", "ignore", "-c", FORKED], check=True, timeout=60)
