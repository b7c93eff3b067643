import logging
from pathlib import Path

import numpy as np
import pytest

from tests.support.checkpoints import checkpoint_at, save_checkpoint
from tests.support.seeds import DA3_TINY, LAS2, save_depth_anything_3, save_lite_any_stereo
from tests.support.toy.networks import SunsetNetwork
from vizion3d.app import build_container
from vizion3d.checkpoints.store import Checkpoint
from vizion3d.errors import InvalidConfigError
from vizion3d.lifting import DepthEstimationCommand
from vizion3d.runtime.conversions import ConversionStore
from vizion3d.runtime.onnx_runtime import OnnxRuntime, prepare
from vizion3d.runtime.torch_runtime import TorchRuntime
from vizion3d.runtime.torch_runtime import prepare as prepare_in_torch
from vizion3d.settings import Settings

pytestmark = pytest.mark.slow


def images(checkpoint: Checkpoint, count: int, height: int, width: int) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(height)
    shape = (count, height, width, 3)
    return {name: generator.integers(0, 256, shape, np.uint8) for name in checkpoint.network.inputs}


@pytest.mark.parametrize("name", ["v2", "da3", "las2"])
def test_it_gives_what_torch_gives_for_every_size_and_batch(tmp_path: Path, name: str) -> None:
    path = {
        "v2": lambda: save_checkpoint(tmp_path / "a.pth"),
        "da3": lambda: save_depth_anything_3(tmp_path / "a.safetensors", DA3_TINY),
        "las2": lambda: save_lite_any_stereo(tmp_path / "a.pth", LAS2["las2-s"]),
    }[name]()
    checkpoint = checkpoint_at(path)
    runtime = OnnxRuntime(checkpoint, ConversionStore(tmp_path / "cache"))
    reference = TorchRuntime(checkpoint, "cpu", "fp32")
    unit = checkpoint.network.recipe.multiple
    for count, rows, cols in ((1, 4, 6), (2, 5, 3)):
        given = images(checkpoint, count, 40 * rows, 50 * cols)
        size = rows * unit, cols * unit
        found, expected = runtime.infer(given, size), reference.infer(given, size)
        assert found.keys() == expected.keys()
        for output, values in expected.items():
            assert found[output].shape == values.shape
            assert np.abs(found[output] - values).max() / (np.ptp(values) or 1) < 1e-3, output


def test_photos_are_prepared_as_for_torch(tmp_path: Path) -> None:
    import torch

    checkpoint = checkpoint_at(save_checkpoint(tmp_path / "a.pth"))
    recipe = checkpoint.network.recipe
    (batch,) = images(checkpoint, 2, 61, 47).values()
    expected = prepare_in_torch(torch.from_numpy(batch), (70, 56), recipe)
    np.testing.assert_allclose(prepare(batch, (70, 56), recipe), expected, atol=1e-4)


def test_a_command_runs_on_it_and_the_graph_is_kept(tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path / "a.pth")
    command = DepthEstimationCommand("examples/coffee.jpg", str(path), input_size=56)

    def run(runtime: str) -> np.ndarray:
        settings = Settings(runtime=runtime, device="cpu", precision="fp32", model_cache=tmp_path)
        return build_container(settings).commands.dispatch(command).raw_depth

    expected = run("torch")
    assert np.abs(run("onnxruntime") - expected).max() / np.ptp(expected) < 1e-3
    (kept,) = tmp_path.rglob("network.onnx")
    written = kept.stat().st_mtime_ns
    run("onnxruntime")
    assert kept.stat().st_mtime_ns == written


def test_a_cache_that_cannot_be_written_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    checkpoint = checkpoint_at(save_checkpoint(tmp_path / "a.pth"))
    (tmp_path / "file").touch()
    with caplog.at_level(logging.WARNING):
        runtime = OnnxRuntime(checkpoint, ConversionStore(tmp_path / "file"))
    assert "cannot keep converted networks" in caplog.text
    assert runtime.infer(images(checkpoint, 1, 30, 40), (28, 42))["depth"].shape == (1, 30, 40)


def test_a_network_that_is_no_graph_is_refused(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "a.safetensors", SunsetNetwork(4))
    with pytest.raises(InvalidConfigError, match="Sunset cannot run on onnxruntime"):
        OnnxRuntime(checkpoint, ConversionStore(tmp_path))
