"""Another network is a folder and an entry in a list: toys go through everything that is there."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.support.toy.networks import (
    ContrastFamily,
    SunsetFamily,
    SunsetNetwork,
    nearest,
    save_contrast,
    save_sunset,
)
from vizion3d.app import build_container
from vizion3d.checkpoints.queries import ModelInfoQuery
from vizion3d.checkpoints.store import Checkpoint, CheckpointStore
from vizion3d.container import Container
from vizion3d.errors import CheckpointError, InvalidConfigError
from vizion3d.lifting import DepthEstimationCommand
from vizion3d.lifting.meaning import SKY_THRESHOLD
from vizion3d.networks.registry import FAMILIES
from vizion3d.runtime.base import Runtime
from vizion3d.runtime.choice import runtime_loader
from vizion3d.runtime.conversions import ConversionStore
from vizion3d.runtime.queue import InferenceQueue
from vizion3d.settings import load_settings

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (2, 40, 100, 3), np.uint8)
SIZE = (32, 64)
FRAMEWORKS = ("torch", "openvino")


@pytest.fixture
def store(tmp_path: Path) -> CheckpointStore:
    return CheckpointStore(tmp_path, families=(*FAMILIES, SunsetFamily(), ContrastFamily()))


@pytest.fixture
def sunset(tmp_path: Path, store: CheckpointStore) -> Checkpoint:
    return store.resolve(str(save_sunset(tmp_path / "sunset.safetensors")))


@pytest.fixture
def contrast(tmp_path: Path, store: CheckpointStore) -> Checkpoint:
    return store.resolve(str(save_contrast(tmp_path / "contrast.safetensors")))


def loaded(checkpoint: Checkpoint, framework: str, precision: str = "fp32") -> Runtime:
    settings = load_settings(runtime=framework, device="cpu", precision=precision)
    return runtime_loader(settings, ConversionStore(checkpoint.path.parent))(checkpoint)


def resized(maps: np.ndarray) -> np.ndarray:
    return np.stack([cv2.resize(m, (100, 40), interpolation=cv2.INTER_LINEAR) for m in maps])


def sunset_in_numpy(checkpoint: Checkpoint) -> dict[str, np.ndarray]:
    weights = load_file(checkpoint.path)
    x = (nearest(IMAGES, SIZE) / np.float32(255) - 0.5) / 0.25
    mixed = np.maximum(x @ weights["mix.weight"][..., 0, 0].T + weights["mix.bias"], 0)
    head = mixed @ weights["head.weight"][..., 0, 0].T + weights["head.bias"]
    ramp = weights["slope"] * np.linspace(0, 1, SIZE[0])[None, :, None]
    depth = np.maximum(head[..., 0], 0) + ramp
    return {
        "metres": resized(depth),
        "sky": resized(1 / (1 + np.exp(-head[..., 1]))),
        "angles": x.mean(axis=(1, 2))[:, :2],
    }


def test_it_is_recognised_by_its_tensors(sunset: Checkpoint) -> None:
    assert sunset.network == SunsetNetwork(5)
    assert sunset.network.key == SunsetNetwork(5).key != SunsetNetwork(6).key


def test_a_strange_file_is_told_with_every_network_that_was_tried(
    tmp_path: Path, store: CheckpointStore
) -> None:
    path = save_contrast(tmp_path / "strange.safetensors")
    known = CheckpointStore(tmp_path, families=(*FAMILIES, SunsetFamily()))
    with pytest.raises(CheckpointError) as refused:
        known.resolve(str(path))
    told = str(refused.value)
    assert "not a Depth Anything V2 checkpoint: it lacks the tensors pretrained.cls_token" in told
    assert "not a Sunset checkpoint: it lacks the tensor mix.weight" in told
    assert "it has gain" in told


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_several_outputs_are_what_numpy_computes(sunset: Checkpoint, framework: str) -> None:
    runtime = loaded(sunset, framework)
    maps = runtime.infer({"image": IMAGES}, SIZE)
    expected = sunset_in_numpy(sunset)
    assert list(maps) == ["metres", "sky", "angles"]
    for name, values in expected.items():
        assert (maps[name].dtype, maps[name].shape) == (np.float32, values.shape), name
        np.testing.assert_allclose(maps[name], values, atol=2e-4, err_msg=name)
    again = runtime.infer({"image": IMAGES[::-1].copy()}, SIZE)
    for name, values in expected.items():
        np.testing.assert_allclose(maps[name], values, atol=2e-4, err_msg="it was overwritten")
        np.testing.assert_allclose(again[name], values[::-1], atol=2e-4)


def test_what_is_to_stay_in_float32_does(sunset: Checkpoint) -> None:
    exact, lower = (loaded(sunset, "torch", precision) for precision in ("fp32", "bf16"))
    maps = lower.infer({"image": IMAGES}, SIZE)
    worst = np.abs(maps["metres"] - exact.infer({"image": IMAGES}, SIZE)["metres"]).max()
    assert 0 < worst < 0.2


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_two_images_go_in_and_disparity_comes_in_pixels_of_the_image(
    contrast: Checkpoint, framework: str
) -> None:
    left, right = IMAGES, IMAGES[::-1].copy()
    maps = loaded(contrast, framework).infer({"right": right, "left": left}, (64, 160))

    def seen(images: np.ndarray) -> np.ndarray:
        cubic = [
            cv2.resize(i.astype(np.float32) / 255, (160, 64), interpolation=cv2.INTER_CUBIC)
            for i in images
        ]
        return (np.stack(cubic) - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)

    disparity = 3 * (seen(left) - seen(right)).mean(axis=-1)
    np.testing.assert_allclose(maps["disparity"], resized(disparity) * 100 / 160, atol=1e-3)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_handler_the_queue_and_the_models_know_it(
    tmp_path: Path, store: CheckpointStore, sunset: Checkpoint, framework: str
) -> None:
    settings = load_settings(
        runtime=framework, device="cpu", precision="fp32", model_cache=str(tmp_path)
    )
    queue = InferenceQueue(max_batch_size=2)
    container = build_container(settings, store, inference=queue)
    command = DepthEstimationCommand(IMAGES[0], model_backend=str(sunset.path))
    result = container.commands.dispatch(command)
    queue.close()
    assert result.depth_kind == "metric"
    told = sunset_in_numpy(sunset)
    sky = told["sky"][0] >= SKY_THRESHOLD
    farthest = told["metres"][0][~sky].max()
    expected = np.where(sky, farthest, told["metres"][0])  # the sky lies behind everything
    np.testing.assert_allclose(result.raw_depth, expected, atol=2e-4)
    info = container.queries.dispatch(ModelInfoQuery(str(sunset.path)))
    assert (info.variant, info.parameters, info.loaded) == (
        "sunset-5",
        3 * 5 + 5 + 5 * 2 + 2 + 1,
        f"{framework} cpu fp32",
    )
    assert info.converted == (framework == "openvino")


@pytest.fixture
def container(store: CheckpointStore) -> Container:
    return build_container(load_settings(runtime="openvino", precision="int8"), store)


def test_a_network_of_another_task_is_refused(container: Container, contrast: Checkpoint) -> None:
    command = DepthEstimationCommand(IMAGES[0], model_backend=str(contrast.path))
    with pytest.raises(
        CheckpointError, match=r"Contrast checkpoint, which .* makes disparity of left, right"
    ):
        container.commands.dispatch(command)


def test_a_precision_that_it_does_not_offer_is_told(
    container: Container, sunset: Checkpoint
) -> None:
    command = DepthEstimationCommand(IMAGES[0], model_backend=str(sunset.path))
    with pytest.raises(InvalidConfigError, match="Sunset is not offered in int8"):
        container.commands.dispatch(command)
