import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.checkpoints import TINY, checkpoint_at, save_checkpoint
from tests.support.fakes import METRIC, RELATIVE
from vizion3d.checkpoints.store import Checkpoint
from vizion3d.core.arrays import Float32Array
from vizion3d.errors import CheckpointError, MissingDependencyError
from vizion3d.runtime import int8
from vizion3d.runtime.calibration import calibration_images, dead_leaves, pink_noise
from vizion3d.runtime.conversions import ConversionStore, convert
from vizion3d.runtime.openvino_runtime import OpenVinoRuntime


@dataclass(frozen=True)
class Made:
    """A metric checkpoint, the cache that holds its conversion to int8, and what NNCF made of it.

    NNCF takes many seconds: it is run once for all that can be seen of what it made. That a
    relative checkpoint is converted is seen in ``test_conversions``.
    """

    checkpoint: Checkpoint
    cache: Path
    model: Any
    depth: Float32Array


IMAGE = {"image": dead_leaves(np.random.default_rng(99), 120)[None, :90]}
SIZE = (126, 168)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("int8")
    checkpoint = Checkpoint(save_checkpoint(folder / "metric.pth", TINY, max_depth_m=20.0), METRIC)
    models: list[Any] = []
    quantize = int8.quantize

    def remembering(*given: Any) -> Any:
        models.append(quantize(*given))
        return models[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(int8, "quantize", remembering)
        runtime = OpenVinoRuntime(checkpoint, ConversionStore(folder / "cache"), "int8")
    assert runtime.description == "openvino cpu int8"
    depth = runtime.infer(IMAGE, SIZE)["depth"]
    (model,) = models
    return Made(checkpoint, folder / "cache", model, depth)


def quantized_inputs(model: Any) -> set[str]:
    """The modules whose operations read what was rounded to 8 bits."""
    return {
        target.get_node().get_friendly_name().split("/")[0].removeprefix("__module.")
        for node in model.get_ops()
        if node.get_type_name() == "FakeQuantize"
        for target in node.output(0).get_target_inputs()
    }


@pytest.mark.process
def test_the_encoder_is_computed_in_8_bits_but_for_its_attention_and_the_head_is_not(
    made: Made,
) -> None:
    read_by = quantized_inputs(made.model)
    assert {"pretrained.blocks.0.attn.qkv", "pretrained.blocks.1.mlp.fc2"} <= read_by
    assert not [name for name in read_by if "depth_head" in name or "scaled_dot" in name]


@pytest.mark.process
def test_the_depth_stays_near_and_within_the_network_s_range(made: Made, tmp_path: Path) -> None:
    store = ConversionStore(tmp_path / "cache")
    exact = OpenVinoRuntime(made.checkpoint, store, "fp32").infer(IMAGE, SIZE)["depth"]
    assert 0 < np.abs(made.depth - exact).max() < 0.1 * np.ptp(exact)
    assert 0 < made.depth.min() < made.depth.max() < 20


@pytest.mark.process
def test_the_conversion_is_kept(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(made.cache / "nowhere"))  # none is made again
    kept = OpenVinoRuntime(made.checkpoint, ConversionStore(made.cache), "int8")
    assert np.array_equal(kept.infer(IMAGE, SIZE)["depth"], made.depth)


def test_without_nncf_it_says_how_to_get_it_before_it_reads_the_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken.pth"
    broken.write_bytes(b"not a checkpoint")
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(MissingDependencyError, match=r"pip install 'vizion3d\[int8\]'"):
        ConversionStore(tmp_path / "cache").get(Checkpoint(broken, RELATIVE), "int8")


@pytest.mark.process
def test_what_nncf_cannot_do_is_told(tmp_path: Path) -> None:
    checkpoint = checkpoint_at(save_checkpoint(tmp_path / "tiny.pth"))
    model, constants = convert(checkpoint)
    cut = {"positions": constants["positions"][..., :-1]}
    with pytest.raises(
        CheckpointError, match=r"cannot be converted to int8 .* incompatible.*: ask for another"
    ):
        int8.quantize(model, checkpoint.network, cut)


def test_the_images_span_dark_and_bright_and_every_tint() -> None:
    means = np.array([image.mean(axis=(0, 1)) for image in calibration_images()])
    assert len(means) == 8
    assert means.mean(axis=1).min() < 64
    assert means.mean(axis=1).max() > 160
    assert set(means.argmax(axis=1)) == {0, 1, 2}


def test_pink_noise_has_the_spectrum_of_photographs() -> None:
    grey = pink_noise(np.random.default_rng(5), 256).mean(axis=2)
    amplitude = np.abs(np.fft.rfft2(grey - grey.mean()))
    frequency = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.rfftfreq(256)[None])
    band = (frequency > 0.02) & (frequency < 0.3)
    slope = np.polyfit(np.log(frequency[band]), np.log(amplitude[band]), 1)[0]
    assert slope == pytest.approx(-1, abs=0.15)
