from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from tests.support.checkpoints import save_checkpoint
from tests.support.seeds import DA3_MONO_TINY, LAS2, save_depth_anything_3, save_lite_any_stereo
from vizion3d.checkpoints.store import Checkpoint, CheckpointStore
from vizion3d.errors import InferenceError, InvalidConfigError
from vizion3d.runtime import export as exporting
from vizion3d.runtime.export import export, write_triton_model
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


def test_a_stereo_network_has_two_inputs_by_their_names(tmp_path: Path) -> None:
    path = save_lite_any_stereo(tmp_path / "a.pth", LAS2["las2-s"])
    checkpoint = CheckpointStore(tmp_path).read(path).checkpoint
    exported = export(checkpoint, tmp_path, "las2-s", size=(64, 96))
    session = onnxruntime.InferenceSession(exported.path)
    assert [given.name for given in session.get_inputs()] == ["left", "right"]
    assert exported.worst["disparity"] < 1e-3


def test_depth_anything_3_has_all_its_outputs_but_no_preprocessing(tmp_path: Path) -> None:
    path = save_depth_anything_3(tmp_path / "model.safetensors", DA3_MONO_TINY)
    checkpoint = CheckpointStore(tmp_path).read(path).checkpoint
    with pytest.raises(InvalidConfigError, match="operators that no graph has"):
        export(checkpoint, tmp_path, "da3", with_preprocessing=True)
    exported = export(checkpoint, tmp_path, "da3", size=(42, 56))
    assert set(exported.worst) == {"depth", "sky"}


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
