import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.checkpoints import TINY, checkpoint_at, save_checkpoint
from tests.support.fakes import METRIC, depth_of
from vizion3d.checkpoints.store import Checkpoint
from vizion3d.runtime.conversions import ConversionStore
from vizion3d.runtime.openvino_library import best_precision
from vizion3d.runtime.openvino_runtime import OpenVinoRuntime
from vizion3d.runtime.torch_runtime import TorchRuntime

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (2, 30, 40, 3), np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def tiny(folder: Path) -> Checkpoint:
    return checkpoint_at(save_checkpoint(folder / "tiny.pth"))


@pytest.fixture(scope="module")
def runtime(folder: Path, tiny: Checkpoint) -> OpenVinoRuntime:
    return OpenVinoRuntime(tiny, ConversionStore(folder), "fp32")


@pytest.mark.parametrize("size", [(70, 98), (518, 518), (14, 140), (266, 154)])
@pytest.mark.parametrize("shape", [(30, 40), (1, 1), (200, 301)])
def test_depth_equals_torchs_at_every_size(
    runtime: OpenVinoRuntime, tiny: Checkpoint, size: tuple[int, int], shape: tuple[int, int]
) -> None:
    images = RNG.integers(0, 256, (2, *shape, 3), np.uint8)
    exact = depth_of(TorchRuntime(tiny, "cpu", "fp32"), images, size)
    ours = depth_of(runtime, images, size)
    assert (ours.shape, ours.dtype) == (exact.shape, np.float32)
    assert np.abs(ours - exact).max() < 1e-3 * max(1.0, float(np.ptp(exact)))


def test_a_metric_networks_range_is_converted_with_it(folder: Path) -> None:
    path = save_checkpoint(folder / "metric.pth", TINY, max_depth_m=20.0)
    conversions = ConversionStore(folder)
    metric = OpenVinoRuntime(Checkpoint(path, METRIC), conversions, "fp32").infer(
        {"image": IMAGES}, (70, 98)
    )["depth"]
    exact = TorchRuntime(Checkpoint(path, METRIC), "cpu", "fp32").infer(
        {"image": IMAGES}, (70, 98)
    )["depth"]
    np.testing.assert_allclose(metric, exact, atol=2e-2)
    far = depth_of(
        OpenVinoRuntime(Checkpoint(path, replace(METRIC, max_depth_m=80.0)), conversions, "fp32"),
        IMAGES,
        (70, 98),
    )
    np.testing.assert_allclose(far, 4 * metric, rtol=1e-4)


def test_a_result_outlives_the_next_image(runtime: OpenVinoRuntime) -> None:
    first = depth_of(runtime, IMAGES, (70, 98))
    kept = first.copy()
    depth_of(runtime, 255 - IMAGES, (70, 98))
    assert np.array_equal(first, kept)


def test_threads_do_not_disturb_each_other(runtime: OpenVinoRuntime) -> None:
    alone = [depth_of(runtime, IMAGES[i : i + 1], (70, 98)) for i in range(2)]
    wrong: list[int] = []

    def work(index: int) -> None:
        for _ in range(10):
            depth = depth_of(runtime, IMAGES[index : index + 1], (70, 98))
            if not np.allclose(depth, alone[index], atol=1e-5):
                wrong.append(index)

    threads = [threading.Thread(target=work, args=(i % 2,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_bf16_stays_near_fp32(runtime: OpenVinoRuntime, folder: Path, tiny: Checkpoint) -> None:
    lower = OpenVinoRuntime(tiny, ConversionStore(folder), "bf16")
    exact = depth_of(runtime, IMAGES, (70, 98))
    assert lower.description == "openvino cpu bf16"
    assert np.abs(depth_of(lower, IMAGES, (70, 98)) - exact).max() < 0.05 * np.ptp(exact)


def test_auto_is_the_best_precision_of_this_cpu(folder: Path, tiny: Checkpoint) -> None:
    runtime = OpenVinoRuntime(tiny, ConversionStore(folder))
    assert runtime.description == f"openvino cpu {best_precision()}"
    assert best_precision() in ("fp32", "bf16")
