"""Triton's own clients ask both servers, as they would ask Triton."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http
from tritonclient.utils import InferenceServerException

from tests.support.hostile import encoded
from tests.support.servers import running
from vizion3d.lifting import DepthEstimation, DepthEstimationCommand

pytestmark = pytest.mark.server

PHOTO = encoded(size=(48, 32))
PIXELS = np.random.default_rng(0).integers(0, 256, (32, 48, 3), np.uint8)
MODEL = "depth_estimation"


@pytest.fixture(scope="module", params=["rest", "grpc"])
def triton(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Any, Any]]:
    """The module of the client, and a client."""
    log = tmp_path_factory.mktemp("triton") / "log"
    module = tritonclient.http if request.param == "rest" else tritonclient.grpc
    with running(request.param, log, "--depth_model", "nano", "--stereo_depth") as server:
        client = module.InferenceServerClient(server.address)
        yield module, client
        client.close()
    assert "Traceback" not in log.read_text()


def infer(
    triton: tuple[Any, Any], images: dict[str, Any], model: str = MODEL, **options: Any
) -> Any:
    module, client = triton
    inputs = []
    for name, image in images.items():
        array = image if isinstance(image, np.ndarray) else np.array([image], np.object_)
        kind = "UINT8" if isinstance(image, np.ndarray) else "BYTES"
        inputs.append(module.InferInput(name, list(array.shape), kind))
        inputs[-1].set_data_from_numpy(array)
    return client.infer(model, inputs, **options)


def test_it_is_live_and_ready_and_tells_of_its_model(triton: tuple[Any, Any]) -> None:
    module, client = triton
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(MODEL)
    as_json = {} if module is tritonclient.http else {"as_json": True}
    assert client.get_server_metadata(**as_json)["name"] == "vizion3d"
    told = client.get_model_metadata(MODEL, **as_json)
    assert [tensor["name"] for tensor in told["inputs"]] == ["image"]
    assert "depth" in [tensor["name"] for tensor in told["outputs"]]


@pytest.mark.parametrize("image", [PHOTO, PIXELS], ids=["file", "pixels"])
def test_the_depth_is_the_librarys(triton: tuple[Any, Any], image: Any) -> None:
    answer = infer(triton, {"image": image}, parameters={"input_size": 64}, request_id="7")
    expected = DepthEstimation().run(DepthEstimationCommand(image, "nano", input_size=64))
    depth = answer.as_numpy("depth")
    assert depth.dtype == np.float32
    assert np.array_equal(depth, expected.raw_depth)
    assert expected.intrinsics is not None
    assert np.array_equal(answer.as_numpy("intrinsics"), expected.intrinsics.matrix())


def test_an_output_can_be_asked_for_in_both_forms(triton: tuple[Any, Any]) -> None:
    module, _ = triton
    http = module is tritonclient.http
    forms = [{"binary_data": True}, {"binary_data": False}] if http else [{}]
    depths = [
        infer(
            triton, {"image": PHOTO}, outputs=[module.InferRequestedOutput("depth", **form)]
        ).as_numpy("depth")
        for form in forms
    ]
    assert all(np.array_equal(depth, depths[0]) for depth in depths)


def test_a_pair_has_two_inputs(triton: tuple[Any, Any]) -> None:
    pair = {"left_image": PIXELS, "right_image": np.roll(PIXELS, -4, axis=1)}
    answer = infer(triton, pair, "stereo_depth", parameters={"min_depth_m": "2.0"})
    assert answer.as_numpy("disparity").shape == (32, 48)
    assert answer.as_numpy("valid").dtype == np.bool_


@pytest.mark.parametrize(
    ("images", "model", "message"),
    [
        ({"image": b"no photo"}, MODEL, "not an image"),
        ({"photo": PHOTO}, MODEL, "no input 'photo'"),
        ({"image": PHOTO}, "resnet50", "no model 'resnet50'"),
    ],
)
def test_what_is_wrong_reaches_the_client(
    triton: tuple[Any, Any], images: dict[str, Any], model: str, message: str
) -> None:
    with pytest.raises(InferenceServerException, match=message):
        infer(triton, images, model)
