from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tests.support.toy.task import DIFFERENCE
from vizion3d.app import TASKS
from vizion3d.errors import InvalidConfigError, ModelNotAllowedError
from vizion3d.server.inference import ServedModels, Tensor, one_element
from vizion3d.server.settings import ServerSettings
from vizion3d.serving import build_service
from vizion3d.task import Task


def models_of(tasks: Sequence[Task] = TASKS, **settings: Any) -> ServedModels:
    return ServedModels(build_service(ServerSettings(port=0, **settings), tasks))


def test_a_model_is_a_task_and_what_only_that_task_offers() -> None:
    models = models_of(models={"depth_estimation": "nano"})
    assert models.names == ("depth_estimation", "stereo_depth", "nano", "sgbm")
    assert models.find("nano").backend == "nano"
    assert models.find("depth_estimation", "1").backend == ""


def test_a_checkpoint_that_several_tasks_offer_is_no_model_of_its_own() -> None:
    both = models_of(models={"depth_estimation": "nano"}, allow_models=("small",))
    assert "small" not in both.names
    one = models_of(features=("depth_estimation",), allow_models=("small", "/models/a.pth"))
    assert one.names == ("depth_estimation", "small")


def test_a_task_without_tensors_is_no_model() -> None:
    assert models_of((DIFFERENCE,)).names == ()


@pytest.mark.parametrize(
    ("name", "version"), [("no", ""), ("", ""), ("sgbm", "2"), ("x" * 500, "")]
)
def test_a_model_that_there_is_none_of_is_told(name: str, version: str) -> None:
    with pytest.raises(ModelNotAllowedError) as told:
        models_of().find(name, version)
    assert len(str(told.value)) < 300


def test_inputs_and_outputs_are_those_of_the_task() -> None:
    depth, stereo = (models_of().find(name) for name in ("depth_estimation", "stereo_depth"))
    assert depth.inputs() == [("image", "BYTES", [1])]
    assert depth.outputs()[0] == ("depth", "FP32", [-1, -1])
    assert [name for name, _, _ in stereo.inputs()] == ["left_image", "right_image"]
    assert ("disparity", "FP32", [-1, -1]) in stereo.outputs()


def test_pixels_keep_their_places() -> None:
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    image = Tensor("image", "UINT8", [2, 4, 3], pixels.tobytes()).image()
    assert np.array_equal(np.asarray(image), pixels)
    assert Tensor("image", "BYTES", [1, 1], b"file").image() == b"file"


@pytest.mark.parametrize(
    "tensor",
    [
        Tensor("image", "BYTES", [2], b"file"),
        Tensor("image", "FP32", [1], b"1234"),
        Tensor("image", "UINT8", [2, 4, 3], bytes(23)),
        Tensor("image", "UINT8", [24], bytes(24)),
        Tensor("image", "UINT8", [-2, -4, 3], bytes(24)),
        Tensor("image", "UINT8", [0, 4, 3], b""),
        Tensor("i" * 1000, "U" * 1000, [1] * 1000, b""),
    ],
)
def test_what_is_no_image_is_refused(tensor: Tensor) -> None:
    with pytest.raises(InvalidConfigError) as told:
        tensor.image()
    assert len(str(told.value)) < 500


@pytest.mark.parametrize(
    "content", [b"", b"\1\0\0", b"\2\0\0\0a", b"\1\0\0\0ab", b"\xff\xff\xff\xffa"]
)
def test_an_element_whose_length_is_wrong_is_refused(content: bytes) -> None:
    assert one_element("image", b"\2\0\0\0ab") == b"ab"
    with pytest.raises(InvalidConfigError, match="image"):
        one_element("image", content)
