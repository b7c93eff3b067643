import io
import os
import signal
import threading
import time
import weakref
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import CancelledError
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.support.fakes import RELATIVE, FakeStore, GivenDepthLoader, Recorder, touch
from vizion3d.app import build_container
from vizion3d.container import Container
from vizion3d.core.cqrs import CommandBus
from vizion3d.core.scope import Scope, current_scope, within
from vizion3d.errors import DeadlineExceededError, InvalidConfigError, InvalidImageError
from vizion3d.lifting.commands import DepthEstimationCommand
from vizion3d.lifting.models import DepthEstimationResult
from vizion3d.media.limits import ImageLimits
from vizion3d.networks.base import Size
from vizion3d.runtime.base import Images, Maps
from vizion3d.runtime.cache import RuntimeCache
from vizion3d.runtime.many import OnError, run_batched, run_many
from vizion3d.settings import Settings

NAMES = ("run-many", "inference")


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


of_others: set[threading.Thread] = set()
"""Threads that ran before the test."""


def threads_left() -> list[str]:
    running = set(threading.enumerate()) - of_others
    return [t.name for t in running if t.name.startswith(NAMES)]


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    of_others.clear()
    of_others.update(threading.enumerate())
    yield
    until(lambda: threads_left() == [])


class Endless:
    """A source of numbers that counts how many were taken."""

    def __init__(self) -> None:
        self.taken = 0

    def __iter__(self) -> Iterator[int]:
        while True:
            self.taken += 1
            yield self.taken

    def has_given(self, count: int) -> bool:
        return self.taken == count


class Gates:
    """Doubles a number once its gate is open."""

    def __init__(self, count: int) -> None:
        self.gates = [threading.Event() for _ in range(count)]
        self.entered: list[int] = []

    def __call__(self, number: int) -> int:
        self.entered.append(number)
        assert self.gates[number].wait(30)
        return 2 * number

    def open_all(self) -> None:
        for gate in self.gates:
            gate.set()


def double(number: int) -> int:
    if number == 13:
        raise InvalidImageError("thirteen")
    return 2 * number


def test_results_come_in_the_order_of_the_commands_whichever_is_done_first() -> None:
    gates = Gates(3)
    results = run_many(gates, range(3), window=3)
    for number in (2, 1):
        gates.gates[number].set()
    threading.Timer(0.05, gates.gates[0].set).start()
    assert list(results) == [0, 2, 4]


def test_results_come_as_they_are_done() -> None:
    gates = Gates(3)
    results = run_many(gates, range(3), window=3, ordered=False)
    for number in (2, 0, 1):
        gates.gates[number].set()
        assert next(results) == 2 * number
    assert list(results) == []


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("count", [0, 1, 50])
def test_every_command_gives_one_result(count: int, ordered: bool) -> None:
    results = run_many(double, [1] * count, window=4, ordered=ordered)
    assert list(results) == [2] * count


def test_nothing_is_taken_before_the_first_result_is_asked_for() -> None:
    source = Endless()
    run_many(double, source, window=2)
    assert source.taken == 0


def test_a_slow_consumer_holds_the_source_back() -> None:
    source = Endless()
    results = run_many(lambda number: number, source, window=3)
    for asked in range(1, 6):
        assert next(results) == asked
        until(partial(source.has_given, asked + 3))
        time.sleep(0.02)
        assert source.taken == asked + 3
    results.close()


def test_a_first_command_that_takes_long_bounds_what_is_taken_too() -> None:
    gates, source = Gates(10), Endless()
    gates.gates[2].set()
    gates.gates[3].set()
    results = run_many(gates, source, window=3)
    threading.Timer(0.1, gates.gates[1].set).start()
    assert next(results) == 2
    assert 5 not in gates.entered
    for gate in gates.gates:
        gate.set()
    results.close()


def test_as_many_threads_work_as_were_allowed() -> None:
    pair, active, most = threading.Barrier(2), [], []

    def work(number: int) -> int:
        active.append(number)
        pair.wait(30)  # passes only when two are at work
        most.append(len(active))
        pair.wait(30)
        active.remove(number)
        return number

    assert list(run_many(work, range(8), window=8, threads=2)) == list(range(8))
    assert set(most) == {2}


class Large:
    """A result whose life is watched."""


@pytest.mark.parametrize("ordered", [True, False])
def test_results_are_kept_no_longer_than_the_consumer_keeps_them(ordered: bool) -> None:
    alive: weakref.WeakSet[Large] = weakref.WeakSet()
    most = 0

    def work(_: int) -> Large:
        large = Large()
        alive.add(large)
        return large

    for result in run_many(work, range(300), window=4, ordered=ordered):
        del result
        most = max(most, len(alive))
    assert most <= 5


@pytest.mark.parametrize("ordered", [True, False])
def test_an_error_stands_in_its_commands_place(ordered: bool) -> None:
    source = range(10, 16)
    results = list(run_many(double, source, window=2, ordered=ordered, on_error="yield"))
    (error,) = [r for r in results if isinstance(r, Exception)]
    assert isinstance(error, InvalidImageError)
    if ordered:
        assert results.index(error) == 3
    assert sorted(r for r in results if isinstance(r, int)) == [20, 22, 24, 28, 30]


def test_an_error_ends_it_after_the_results_before() -> None:
    source = Endless()
    results: list[int | Exception] = []
    with pytest.raises(InvalidImageError, match="thirteen"):
        results.extend(run_many(double, source, window=2))
    assert results == [2 * number for number in range(1, 13)]
    assert source.taken <= 16


@pytest.mark.parametrize("on_error", ["raise", "yield"])
def test_a_source_that_raises_is_told_after_the_results_before(on_error: OnError) -> None:
    def source() -> Iterator[int]:
        yield from range(5)
        raise OSError("the camera is gone")

    results: list[int | Exception] = []
    with pytest.raises(OSError, match="camera"):
        results.extend(run_many(double, source(), window=2, on_error=on_error))
    assert results == [0, 2, 4, 6, 8]


def test_what_cannot_be_iterated_is_told() -> None:
    with pytest.raises(TypeError, match="not iterable"):
        list(run_many(double, 7, window=2))  # type: ignore[arg-type]  # what is tested


def test_what_is_done_is_handed_out_while_the_source_blocks() -> None:
    gate = threading.Event()

    def source() -> Iterator[int]:
        yield 1
        assert gate.wait(30)
        yield 2

    results = run_many(double, source(), window=8)
    assert next(results) == 2
    gate.set()
    assert list(results) == [4]


def test_closing_calls_off_what_waits_and_ends_the_threads() -> None:
    called_off = []

    def wait_until_unwanted(number: int) -> int:
        if number == 1:
            return number
        gone = threading.Event()
        with current_scope().cancelling(gone.set):
            assert gone.wait(30)
        called_off.append(number)
        raise CancelledError

    source = Endless()
    results = run_many(wait_until_unwanted, source, window=4)
    assert next(results) == 1
    until(lambda: source.taken == 5)
    results.close()
    assert threads_left() == []
    assert set(called_off) <= {2, 3, 4, 5}
    assert called_off


def test_closing_does_not_wait_for_a_source_that_blocks() -> None:
    gate = threading.Event()

    def source() -> Iterator[int]:
        yield 1
        assert gate.wait(30)
        yield 2

    seen = []
    results = run_many(lambda number: seen.append(number), source(), window=4)
    next(results)
    results.close()
    assert threads_left() == ["run-many-source"]
    gate.set()
    until(lambda: threads_left() == [])
    assert seen == [1]


def test_an_iterator_that_is_dropped_ends_its_threads() -> None:
    for result in run_many(double, Endless(), window=4):
        if result == 6:
            break
    del result
    until(lambda: threads_left() == [])


def test_the_callers_deadline_holds_for_everything() -> None:
    gates = Gates(4)
    with within(Scope(0.1)):
        results = run_many(gates, range(4), window=2)
        threading.Timer(0.3, gates.open_all).start()
        with pytest.raises(DeadlineExceededError, match="within 0"):
            next(results)
    assert set(gates.entered) <= {0, 1}


def test_the_callers_deadline_holds_for_a_source_that_blocks() -> None:
    gate = threading.Event()

    def source() -> Iterator[int]:
        yield 1
        assert gate.wait(30)

    with within(Scope(0.1)), pytest.raises(DeadlineExceededError):
        list(run_many(double, source(), window=2))
    gate.set()


@pytest.mark.parametrize("on_error", ["raise", "yield"])
def test_who_is_cancelled_waits_no_longer(on_error: OnError) -> None:
    gate, scope = threading.Event(), Scope()

    def source() -> Iterator[int]:
        yield 1
        assert gate.wait(30)

    with within(scope):
        results = run_many(double, source(), window=2, on_error=on_error)
        assert next(results) == 2
        threading.Timer(0.05, scope.cancel).start()
        with pytest.raises(CancelledError):
            next(results)
    gate.set()


def test_a_deadline_that_a_command_sets_itself_is_its_own() -> None:
    def work(number: int) -> int:
        with within(Scope(0.0 if number == 1 else None)):
            current_scope().check()
        return number

    results = list(run_many(work, range(3), window=2, on_error="yield"))
    assert results[0::2] == [0, 2]
    assert isinstance(results[1], DeadlineExceededError)


def exit_code_in_a_child(run: Callable[[], object]) -> int:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.alarm(20)  # ends it if it waits
            run()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.process
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_an_iterator_that_a_fork_carries_away_is_told_and_can_be_closed() -> None:
    results = run_many(double, Endless(), window=2)
    assert next(results) == 2

    def next_one() -> None:
        with pytest.raises(RuntimeError, match=r"forked from it: call run_many where"):
            next(results)

    assert exit_code_in_a_child(next_one) == 0
    assert exit_code_in_a_child(results.close) == 0
    assert next(results) == 4, "the parent's goes on"
    results.close()


@pytest.mark.parametrize(
    ("given", "told"),
    [({"window": 0}, "window"), ({"window": 1, "on_error": "ignore"}, "on_error must be one of")],
)
def test_parameters_that_make_no_sense(given: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidConfigError, match=told):
        run_many(double, [1], **given)


class MeanRuntime:
    """Answers an image's own red channel as its depth; fails beyond a batch size."""

    description = "mean"
    network = RELATIVE

    def __init__(self, largest_batch: int = 100) -> None:
        self.largest_batch = largest_batch
        self.batches: list[int] = []

    def infer(self, images: Images, size: Size) -> Maps:
        time.sleep(0.002)  # so that others gather meanwhile
        image = images["image"]
        if len(image) > self.largest_batch:
            raise MemoryError("out of memory")
        self.batches.append(len(image))
        return {"depth": image[..., 0].astype(np.float32)}


@pytest.fixture
def runtime() -> MeanRuntime:
    return MeanRuntime()


@pytest.fixture
def container(tmp_path: Path, runtime: MeanRuntime) -> Container:
    store = FakeStore(touch(tmp_path / "model.pth"))
    return build_container(Settings(), store, RuntimeCache(GivenDepthLoader(runtime), 1))


def photo(value: int, width: int = 6, height: int = 4) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (value, 0, 0)).save(buffer, "PNG")
    return buffer.getvalue()


def values(results: Iterator[DepthEstimationResult | Exception]) -> list[float | str]:
    return [str(r) if isinstance(r, Exception) else r.max_depth for r in results]


def estimate(
    container: Container, images: list[bytes], **options: Any
) -> Generator[DepthEstimationResult | Exception, None, None]:
    commands = (DepthEstimationCommand(image) for image in images)
    return run_batched(container, CommandBus.dispatch, commands, **options)


def test_images_of_equal_shape_meet_in_batches(container: Container, runtime: MeanRuntime) -> None:
    results = estimate(container, [photo(v) for v in range(60)], batch_size=4)
    assert values(results) == list(range(60))
    assert max(runtime.batches) == 4
    assert sum(runtime.batches) == 60


def test_by_itself_a_cpu_takes_one_image_at_a_time(
    container: Container, runtime: MeanRuntime
) -> None:
    assert values(estimate(container, [photo(v) for v in range(5)])) == list(range(5))
    assert runtime.batches == [1] * 5


def test_mixed_sizes_single_pixels_and_broken_files(
    container: Container, runtime: MeanRuntime
) -> None:
    sizes = [(6, 4), (1, 1), (5, 7), (1, 9)] * 6
    images = [photo(v, *size) for v, size in enumerate(sizes)]
    images[7], images[12] = b"", photo(12)[:50]
    results = estimate(container, images, batch_size=3, on_error="yield")
    told = values(results)
    assert "0 bytes" in str(told[7])
    assert "truncated or damaged" in str(told[12])
    good = [v for v in range(24) if v not in (7, 12)]
    assert [told[v] for v in good] == good
    assert sum(runtime.batches) == 22


def test_out_of_memory_halves_the_batches(container: Container, runtime: MeanRuntime) -> None:
    runtime.largest_batch = 2
    results = estimate(container, [photo(v) for v in range(40)], batch_size=8)
    assert values(results) == list(range(40))
    assert max(runtime.batches) == 2


def test_closing_early_ends_the_queues_thread_too(container: Container) -> None:
    results = estimate(container, [photo(v) for v in range(40)], batch_size=2)
    next(results)
    results.close()
    assert threads_left() == []


def test_limits_and_observer_of_the_application_hold_for_many_too(
    tmp_path: Path, runtime: MeanRuntime
) -> None:
    store = FakeStore(touch(tmp_path / "model.pth"))
    recorder = Recorder()
    container = build_container(
        Settings(),
        store,
        RuntimeCache(GivenDepthLoader(runtime), 1),
        observer=recorder,
        limits=ImageLimits(max_pixels=10),
    )
    told = values(estimate(container, [photo(1, 2, 5), photo(2, 4, 4)], on_error="yield"))
    assert told[0] == 1
    assert "4 x 4 = 16 pixels, more than the limit of 10" in str(told[1])
    assert recorder.batches == [1]
    assert {"decode", "inference", "package"} <= {stage for stage, _ in recorder.stages}


@pytest.mark.parametrize("batch_size", [0, -1, 1.5, "many"])
def test_a_batch_size_that_makes_no_sense(container: Container, batch_size: object) -> None:
    with pytest.raises(InvalidConfigError, match="batch_size must be"):
        estimate(container, [photo(1)], batch_size=batch_size)
