import threading
import weakref
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pytest
import torch

from tests.support.checkpoints import checkpoint_at, save_checkpoint
from tests.support.fake_graphs import FakeCapturer
from tests.support.fakes import depth_of
from vizion3d.checkpoints.store import Checkpoint
from vizion3d.core.kept_thread import CallersThread, KeptThread
from vizion3d.errors import InvalidConfigError
from vizion3d.runtime.cuda_graphs import RUNS_BEFORE
from vizion3d.runtime.torch_runtime import TorchRuntime, choose_device, thread_for
from vizion3d.settings import Precision

T = TypeVar("T")

IMAGES = np.random.default_rng(0).integers(0, 256, (2, 30, 40, 3), np.uint8)
ONE = IMAGES[:1]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return checkpoint_at(save_checkpoint(tmp_path_factory.mktemp("models") / "tiny.pth"))


def test_depth_has_the_images_size_and_a_batch_gives_what_images_give_alone(
    tiny: Checkpoint,
) -> None:
    runtime = TorchRuntime(tiny, "cpu", "fp32")
    together = depth_of(runtime, IMAGES, (70, 98))
    assert together.shape == (2, 30, 40)
    assert together.dtype == np.float32
    alone = np.concatenate([depth_of(runtime, IMAGES[i : i + 1], (70, 98)) for i in range(2)])
    np.testing.assert_allclose(together, alone, atol=1e-4)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_a_lower_precision_stays_near_fp32(tiny: Checkpoint, precision: Precision) -> None:
    exact = depth_of(TorchRuntime(tiny, "cpu", "fp32"), IMAGES, (70, 98))
    lower = depth_of(TorchRuntime(tiny, "cpu", precision), IMAGES, (70, 98))
    assert 0 < np.abs(lower - exact).max() < 0.05 * np.ptp(exact)


def test_the_description_names_framework_device_and_precision(tiny: Checkpoint) -> None:
    assert TorchRuntime(tiny, "cpu").description == "torch cpu fp32"


def test_a_device_that_is_not_here_is_told() -> None:
    absent = f"cuda:{torch.cuda.device_count()}"
    with pytest.raises(InvalidConfigError, match=f"device '{absent}' is not available here"):
        choose_device(absent)
    assert choose_device("cpu") == torch.device("cpu")


class Counted(KeptThread):
    """A kept thread that counts what it is asked for, and who asks."""

    def __init__(self) -> None:
        super().__init__("counted")
        self.callers: list[int] = []

    def run(self, work: Callable[[], T]) -> T:
        self.callers.append(threading.get_ident())
        return super().run(work)


def test_a_kept_thread_changes_no_number(tiny: Checkpoint) -> None:
    thread = Counted()
    kept = TorchRuntime(tiny, "cpu", "fp32", thread)
    found = depth_of(kept, IMAGES, (70, 98))
    assert np.array_equal(found, depth_of(TorchRuntime(tiny, "cpu", "fp32"), IMAGES, (70, 98)))
    assert thread.callers == [threading.get_ident()]


def test_an_error_in_a_kept_thread_reaches_the_caller(tiny: Checkpoint) -> None:
    kept = TorchRuntime(tiny, "cpu", "fp32", Counted())
    with pytest.raises(KeyError, match="image"):
        kept.infer({}, (70, 98))
    assert depth_of(kept, IMAGES, (70, 98)).shape == (2, 30, 40)


def test_cuda_has_one_kept_thread_a_device_and_a_cpu_none() -> None:
    first, second = torch.device("cuda:0"), torch.device("cuda:1")
    assert isinstance(thread_for(first), KeptThread)
    assert thread_for(first) is thread_for(torch.device("cuda:0"))
    assert thread_for(first) is not thread_for(second)
    assert isinstance(thread_for(torch.device("cpu")), CallersThread)


def test_graphs_change_no_number(tiny: Checkpoint) -> None:
    eager = TorchRuntime(tiny, "cpu", "fp32")
    graphed = TorchRuntime(tiny, "cpu", "fp32", capturer=(capturer := FakeCapturer()))
    for seed in range(RUNS_BEFORE + 2):
        images = np.random.default_rng(seed).integers(0, 256, (1, 30, 40, 3), np.uint8)
        expected = depth_of(eager, images, (70, 98))
        assert np.array_equal(depth_of(graphed, images, (70, 98)), expected)
    assert (capturer.captured, capturer.replayed) == (1, 2)


def test_answers_stay_when_the_graph_runs_again(tiny: Checkpoint) -> None:
    runtime = TorchRuntime(tiny, "cpu", "fp32", capturer=FakeCapturer())
    for _ in range(RUNS_BEFORE + 1):
        answer = depth_of(runtime, ONE, (70, 98))
    kept = answer.copy()
    depth_of(runtime, 255 - ONE, (70, 98))
    assert np.array_equal(answer, kept)


def test_without_memory_the_graphs_are_given_up(tiny: Checkpoint) -> None:
    runtime = TorchRuntime(tiny, "cpu", "fp32", capturer=(capturer := FakeCapturer()))
    expected = [depth_of(runtime, ONE, (70, 98)) for _ in range(RUNS_BEFORE + 1)]
    capturer.replay_error = torch.OutOfMemoryError("no memory left")
    for _ in range(RUNS_BEFORE + 1):
        assert np.array_equal(depth_of(runtime, ONE, (70, 98)), expected[0])
    assert (capturer.captured, capturer.alive, capturer.given_back) == (1, 0, 1)


def test_another_error_of_a_graph_reaches_the_caller(tiny: Checkpoint) -> None:
    runtime = TorchRuntime(tiny, "cpu", "fp32", capturer=(capturer := FakeCapturer()))
    for _ in range(RUNS_BEFORE + 1):
        depth_of(runtime, ONE, (70, 98))
    capturer.replay_error = RuntimeError("launch failed")
    with pytest.raises(RuntimeError, match="launch failed"):
        depth_of(runtime, ONE, (70, 98))
    assert capturer.alive == 1


def test_a_runtime_is_freed_with_its_last_reference_and_its_graphs_with_it(
    tiny: Checkpoint,
) -> None:
    runtime = TorchRuntime(tiny, "cpu", "fp32", Counted(), capturer=(capturer := FakeCapturer()))
    for _ in range(RUNS_BEFORE + 1):
        depth_of(runtime, ONE, (70, 98))
    assert capturer.alive == 1
    gone = weakref.ref(runtime)
    del runtime
    assert gone() is None
    assert capturer.alive == 0
