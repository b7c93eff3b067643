import json
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.support.seeds import DA3_MONO_TINY, DA3_TINY, save_depth_anything_3
from vizion3d.checkpoints.store import CheckpointStore
from vizion3d.checkpoints.weights import load
from vizion3d.errors import CheckpointError
from vizion3d.networks.base import Meaning
from vizion3d.networks.depth_anything_3.config import NetworkConfig
from vizion3d.networks.depth_anything_3.recipe import RECIPE
from vizion3d.runtime.torch_runtime import TorchRuntime
from vizion3d.settings import Precision


def meanings(store: CheckpointStore, path: Path) -> list[Meaning]:
    return [output.meaning for output in store.read(path).checkpoint.network.outputs]


def test_one_view_of_the_any_view_architecture(tmp_path: Path) -> None:
    path = save_depth_anything_3(tmp_path / "model.safetensors", DA3_TINY)
    checkpoint = CheckpointStore(tmp_path).read(path).checkpoint
    assert meanings(CheckpointStore(tmp_path), path) == [
        Meaning.DEPTH,
        Meaning.CONFIDENCE,
        Meaning.FIELD_OF_VIEW_RAD,
    ]
    loaded = load(checkpoint)
    extras = checkpoint.network.extras(loaded.constants, (28, 42))
    depth, confidence, fov = loaded.module(torch.zeros(2, 3, 28, 42), *map(torch.tensor, extras))
    assert (depth.shape, confidence.shape, fov.shape) == ((2, 28, 42), (2, 28, 42), (2, 2))
    assert depth.min() > 0
    assert confidence.min() > 1


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
@pytest.mark.parametrize("config", [DA3_TINY, DA3_MONO_TINY], ids=["any view", "monocular"])
def test_the_heads_stay_in_float32_at_every_precision(
    tmp_path: Path, config: NetworkConfig, precision: Precision
) -> None:
    path = save_depth_anything_3(tmp_path / "model.safetensors", config)
    checkpoint = CheckpointStore(tmp_path).read(path).checkpoint
    image = np.random.default_rng(0).integers(0, 256, (1, 30, 40, 3), np.uint8)
    exact, lower = (
        TorchRuntime(checkpoint, "cpu", p).infer({"image": image}, (42, 56))
        for p in cast("tuple[Precision, ...]", ("fp32", precision))
    )
    for name, values in exact.items():
        assert np.abs(lower[name] - values).max() < 0.1 * (np.ptp(values) or 1), name


def test_the_two_monocular_models_are_told_apart_by_what_they_are_called(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    for name in ("model", "da3mono-large", "DA3METRIC-LARGE", "da3metric_large"):
        path = save_depth_anything_3(tmp_path / "x" / f"{name}.safetensors", DA3_MONO_TINY)
        metric = "metric" in name.lower()
        wanted = Meaning.METRES_PER_FOCAL_PX if metric else Meaning.DEPTH
        assert meanings(store, path) == [wanted, Meaning.SKY], name
    for folder in ("DA3MONO-LARGE", "DA3METRIC-LARGE"):
        path = save_depth_anything_3(tmp_path / folder / "model.safetensors", DA3_MONO_TINY)
        assert (meanings(store, path)[0] is Meaning.DEPTH) == ("MONO" in folder)


def test_the_config_beside_a_file_is_surer_than_its_folder(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    path = save_depth_anything_3(tmp_path / "da3mono" / "model.safetensors", DA3_MONO_TINY)
    assert meanings(store, path)[0] is Meaning.DEPTH
    config = path.with_name("config.json")
    config.write_text(json.dumps({"model_name": "da3metric-large", "config": {}}))
    assert meanings(store, path)[0] is Meaning.METRES_PER_FOCAL_PX  # read anew
    for other in ("{", "[]", '{"model_name": 3}', '{"architectures": ["ViT"]}'):
        config.write_text(other)
        assert meanings(store, path)[0] is Meaning.DEPTH


def test_a_downloaded_file_is_known_by_its_place_in_the_cache(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    for name in ("da3mono-large", "da3metric-large"):
        path = save_depth_anything_3(store.locate(name), DA3_MONO_TINY)
        assert (meanings(store, path)[0] is Meaning.DEPTH) == ("mono" in name)


def test_parts_that_one_view_does_not_use_may_be_there_and_nothing_else(tmp_path: Path) -> None:
    path = save_depth_anything_3(tmp_path / "model.safetensors", DA3_TINY)
    tensors = load_file(path)
    assert "model.cam_enc.token_norm.weight" in tensors
    del tensors["model.head.norm.bias"]
    save_file(tensors | {"model.other": torch.zeros(1)}, path)
    with pytest.raises(
        CheckpointError, match=r"Depth Anything 3 vit-64x12 .*lacks head\.norm\.bias.*unknown other"
    ):
        load(CheckpointStore(tmp_path).read(path).checkpoint)


@pytest.mark.parametrize(
    ("height", "width", "size"),
    [
        (3024, 4032, (378, 504)),
        (4032, 3024, (504, 378)),
        (1080, 1920, (280, 504)),
        (504, 504, (504, 504)),
        (100, 100, (504, 504)),
        (371, 504, (378, 504)),  # 26.5 patches: up on a tie
        (1, 5000, (14, 504)),
    ],
)
def test_the_longer_side_becomes_504_pixels(height: int, width: int, size: tuple[int, int]) -> None:
    assert RECIPE.network_size(height, width) == size


def test_another_input_size_is_rounded_to_a_patch() -> None:
    assert RECIPE.network_size(300, 400, 1000) == (742, 994)
    assert RECIPE.network_size(300, 400, 3) == (14, 14)


def test_the_rotation_of_the_class_token_is_none(tmp_path: Path) -> None:
    path = save_depth_anything_3(tmp_path / "model.safetensors", DA3_TINY)
    network = CheckpointStore(tmp_path).read(path).checkpoint.network
    _, rotation = network.extras({"positions": np.zeros((1, 1370, 64), np.float32)}, (28, 42))
    assert rotation.shape == (2, 2, 7, 64)
    assert np.array_equal(rotation[:, 0, 0], np.ones((2, 64)))  # cosines
    assert not rotation[:, 1, 0].any()  # sines
    within, between = rotation
    # The row turns the first half of a head's channels, the column the second.
    assert np.array_equal(within[:, 1, :32], within[:, 3, :32])
    assert np.array_equal(within[:, 1, 32:], within[:, 4, 32:])
    assert np.array_equal(between[:, 1], between[:, 6])
