from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from tests.support.checkpoints import save_checkpoint
from tests.support.seeds import (
    DA3_TINY,
    LAS2,
    save_depth_anything_3,
    save_lite_any_stereo,
)
from tests.support.toy.networks import SunsetNetwork
from vizion3d.checkpoints.store import Checkpoint, CheckpointStore
from vizion3d.checkpoints.weights import load
from vizion3d.errors import InferenceError, InvalidConfigError
from vizion3d.runtime import export as exporting
from vizion3d.runtime.export import TOLERANCES, export, write_triton_model
from vizion3d.runtime.torch_runtime import TorchRuntime

pytestmark = pytest.mark.slow
SIZE = (56, 84)


@pytest.fixture
def tiny(tmp_path: Path) -> Checkpoint:
    return CheckpointStore(tmp_path).read(save_checkpoint(tmp_path / "tiny.pth")).checkpoint


def test_an_onnx_file_takes_any_batch_and_says_what_it_is(tiny: Checkpoint, tmp_path: Path) -> None:
    exported = export(tiny, tmp_path / "out", "tiny", size=SIZE, metadata={"licence": "MIT"})
    assert exported.path == tmp_path / "out" / "tiny.onnx"
    assert exported.worst["depth"] < 1e-4
    assert sorted(p.name for p in exported.path.parent.iterdir()) == ["tiny.onnx"]
    told = {entry.key: entry.value for entry in onnx.load(exported.path).metadata_props}
    assert told["vizion3d.network"] == "Depth Anything V2"
    assert told["vizion3d.outputs"] == '{"depth": "inverse depth"}'
    assert (told["vizion3d.network_size"], told["vizion3d.licence"]) == ("56x84", "MIT")
    session = onnxruntime.InferenceSession(exported.path)
    for batch in (1, 3):
        (depth,) = session.run(None, {"image": np.zeros((batch, 3, *SIZE), np.float32)})
        assert depth.shape == (batch, *SIZE)


def test_the_recipe_inside_gives_what_our_runtime_gives(tiny: Checkpoint, tmp_path: Path) -> None:
    exported = export(tiny, tmp_path, "whole", size=SIZE, with_preprocessing=True)
    session = onnxruntime.InferenceSession(exported.path)
    runtime = TorchRuntime(tiny, "cpu", "fp32")
    for height, width in ((64, 90), (50, 40)):
        image = np.random.default_rng(1).integers(0, 256, (1, height, width, 3), np.uint8)
        (depth,) = session.run(None, {"image": image})
        expected = runtime.infer({"image": image}, SIZE)["depth"]
        assert depth.shape == (1, height, width)
        assert np.abs(depth - expected).max() / np.ptp(expected) < 1e-3


def test_an_openvino_file_is_checked_too(tiny: Checkpoint, tmp_path: Path) -> None:
    exported = export(tiny, tmp_path / "ov", "tiny", "openvino", size=SIZE)
    assert sorted(p.name for p in exported.path.parent.iterdir()) == ["tiny.bin", "tiny.xml"]
    assert exported.worst["depth"] < 1e-3


def test_a_stereo_network_has_two_inputs_by_their_names_and_of_any_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "sizes_to_check", lambda *_: ((64, 96), (96, 64)))
    path = save_lite_any_stereo(tmp_path / "a.pth", LAS2["las2-s"])
    checkpoint = CheckpointStore(tmp_path).read(path).checkpoint
    exported = export(checkpoint, tmp_path, "las2-s")
    session = onnxruntime.InferenceSession(exported.path)
    assert [given.name for given in session.get_inputs()] == ["left", "right"]
    assert exported.worst["disparity"] < 1e-3


def by_torch(checkpoint: Checkpoint, image: np.ndarray) -> np.ndarray:
    loaded = load(checkpoint)
    extras = checkpoint.network.extras(loaded.constants, image.shape[2:])
    with torch.inference_mode():
        depth: torch.Tensor = loaded.module(*map(torch.from_numpy, (image, *extras)))
    return depth.numpy()


def test_a_file_takes_every_size_as_the_network_does(tiny: Checkpoint, tmp_path: Path) -> None:
    exported = export(tiny, tmp_path, "any")
    assert exported.size is None
    assert exported.checked == ((518, 686), (448, 266))
    assert exported.worst["depth"] < 1e-3
    session = onnxruntime.InferenceSession(exported.path)
    # 518 x 518 is the size of the stored grid, which is then taken as it is.
    for batch, height, width in ((1, 56, 84), (2, 84, 56), (1, 518, 518), (1, 14, 700)):
        image = np.random.default_rng(height).standard_normal((batch, 3, height, width), np.float32)
        (depth,) = session.run(None, {"image": image})
        expected = by_torch(tiny, image)
        assert depth.shape == expected.shape == (batch, height, width)
        assert np.abs(depth - expected).max() / np.ptp(expected) < 1e-3, (height, width)


def test_photos_of_any_size_are_seen_at_the_size_that_the_recipe_says(
    tiny: Checkpoint, tmp_path: Path
) -> None:
    exported = export(tiny, tmp_path, "photos", with_preprocessing=True)
    assert (exported.size, exported.checked) == (None, ((100, 134), (946, 553)))
    assert exported.worst["depth"] < 1e-3


def test_depth_anything_3_prepares_photos_inside_as_its_recipe_does(tmp_path: Path) -> None:
    """Areas are averaged and cubics are fitted in 8 bits, as OpenCV does it."""
    path = save_depth_anything_3(tmp_path / "model.safetensors", DA3_TINY)
    checkpoint = CheckpointStore(tmp_path).read(path).checkpoint
    exported = export(checkpoint, tmp_path, "da3", with_preprocessing=True)
    assert exported.checked == ((100, 134), (586, 252))
    assert set(exported.worst) == {"depth", "confidence", "field_of_view"}
    assert max(exported.worst.values()) < 1e-3
    session = onnxruntime.InferenceSession(exported.path)
    image = np.random.default_rng(0).integers(0, 256, (1, 90, 60, 3), np.uint8)
    depth, confidence, fov = session.run(None, {"image": image})
    assert depth.shape == confidence.shape == (1, 90, 60)
    assert fov.shape == (1, 2)


def test_nano_reduces_photos_inside_as_pillow_does(tmp_path: Path) -> None:
    checkpoint = CheckpointStore(tmp_path).resolve("nano")
    exported = export(checkpoint, tmp_path, "nano", with_preprocessing=True)
    assert exported.checked == ((100, 134), (422, 291))
    assert exported.worst["depth"] < 1e-3


@pytest.mark.parametrize("with_preprocessing", [False, True])
@pytest.mark.parametrize("name", ["v2", "da3"])
def test_half_precision_is_told_how_far_it_is_off(
    tiny: Checkpoint, tmp_path: Path, name: str, with_preprocessing: bool
) -> None:
    checkpoint = tiny
    if name == "da3":
        path = save_depth_anything_3(tmp_path / "model.safetensors", DA3_TINY)
        checkpoint = CheckpointStore(tmp_path).read(path).checkpoint
    exported = export(
        checkpoint,
        tmp_path / "out",
        "half",
        size=None if with_preprocessing else SIZE,
        precision="fp16",
        with_preprocessing=with_preprocessing,
    )
    assert 1e-5 < max(exported.worst.values()) < TOLERANCES["fp16"]
    model = onnx.load(exported.path)
    kinds = {tensor.data_type for tensor in model.graph.initializer}
    assert onnx.TensorProto.FLOAT16 in kinds
    given = model.graph.input[0].type.tensor_type.elem_type
    told = model.graph.output[0].type.tensor_type.elem_type
    assert told == onnx.TensorProto.FLOAT
    assert given == (onnx.TensorProto.UINT8 if with_preprocessing else onnx.TensorProto.FLOAT)


def test_a_network_that_nobody_has_written_as_a_graph_is_for_one_size(tmp_path: Path) -> None:
    network = SunsetNetwork(4)
    checkpoint = Checkpoint(tmp_path / "none.safetensors", network)
    with pytest.raises(InvalidConfigError, match="one fixed input size: give it, such as 64x64"):
        export(checkpoint, tmp_path, "sunset")
    with pytest.raises(InvalidConfigError, match="operators that no graph has"):
        export(checkpoint, tmp_path, "sunset", size=(64, 64), with_preprocessing=True)


def test_a_size_that_does_not_fit_is_refused(tiny: Checkpoint, tmp_path: Path) -> None:
    with pytest.raises(InvalidConfigError, match=r"100x84 does not fit.*multiples of 14"):
        export(tiny, tmp_path, "tiny", size=(100, 84))


def test_a_file_that_computes_something_else_is_not_kept(
    tiny: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "TOLERANCES", {"fp32": 1e-12})
    with pytest.raises(InferenceError, match=r"differs from what it was exported from: depth by"):
        export(tiny, tmp_path / "out", "tiny", size=SIZE)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_triton_repository(tiny: Checkpoint, tmp_path: Path) -> None:
    exported = export(tiny, tmp_path, "tiny", size=SIZE)
    folder = write_triton_model(exported, tmp_path / "models", "depth")
    assert (folder / "1" / "model.onnx").read_bytes() == exported.path.read_bytes()
    assert 'backend: "onnxruntime"' in (folder / "config.pbtxt").read_text()
