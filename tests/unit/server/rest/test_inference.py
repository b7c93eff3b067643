import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
import requests

from tests.support.checkpoints import save_checkpoint
from tests.support.hostile import encoded
from tests.support.in_process import over_rest
from vizion3d.client import RestClient
from vizion3d.lifting import DepthEstimation, DepthEstimationAdvanceConfig, DepthEstimationCommand
from vizion3d.server.rest.inference_messages import HEADER_LENGTH
from vizion3d.server.scheduler import State
from vizion3d.server.settings import ServerSettings
from vizion3d.serving import build_service

PHOTO = encoded(size=(32, 24))
PIXELS = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
IN_JSON = {
    "name": "image",
    "datatype": "BYTES",
    "shape": [1],
    "data": [base64.b64encode(PHOTO).decode()],
}
SMALL = {"input_size": 14}
MODEL = "/v2/models/depth_estimation"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_checkpoint(tmp_path_factory.mktemp("inference") / "tiny.safetensors")


@pytest.fixture(scope="module")
def client(checkpoint: Path) -> Iterator[RestClient]:
    settings = ServerSettings(port=0, models={"depth_estimation": str(checkpoint)})
    service = build_service(settings)
    service.scheduler.state = State.READY
    with over_rest(service) as connected:
        yield connected


def get(client: RestClient, path: str) -> requests.Response:
    return client._session.get(f"http://in-process{path}")


def post(client: RestClient, body: Any, path: str = f"{MODEL}/infer", **headers: str) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client._session.post(f"http://in-process{path}", data=content, headers=headers)


def ask(**request: Any) -> dict[str, Any]:
    return {"inputs": [IN_JSON], "parameters": SMALL, **request}


def in_library(checkpoint: Path, image: Any, **config: Any) -> Any:
    command = DepthEstimationCommand(
        image,
        str(checkpoint),
        advanced_config=DepthEstimationAdvanceConfig(**config),
        input_size=14,
    )
    return DepthEstimation().run(command)


def test_a_json_answer_is_the_librarys(client: RestClient, checkpoint: Path) -> None:
    answer = post(client, ask(id="photo-1", parameters={**SMALL, "fov": 60})).json()
    expected = in_library(checkpoint, PHOTO, fov=60)
    assert (answer["model_name"], answer["id"]) == ("depth_estimation", "photo-1")
    depth, intrinsics = answer["outputs"]
    assert (depth["name"], depth["datatype"], depth["shape"]) == ("depth", "FP32", [24, 32])
    assert np.array_equal(np.array(depth["data"], np.float32), expected.raw_depth)
    assert np.array_equal(intrinsics["data"], expected.intrinsics.matrix())
    facts = answer["parameters"]
    assert facts["max_depth"] == expected.max_depth
    assert json.loads(facts["intrinsics"])["fx"] == expected.intrinsics.fx


@pytest.mark.parametrize("everything", [True, False])
def test_binary_pixels_in_and_binary_arrays_out(
    client: RestClient, checkpoint: Path, everything: bool
) -> None:
    pixels = {"name": "image", "datatype": "UINT8", "shape": [24, 32, 3]}
    request: dict[str, Any] = {
        "inputs": [{**pixels, "parameters": {"binary_data_size": PIXELS.size}}],
        "parameters": {**SMALL, "binary_data_output": everything},
    }
    if not everything:
        request["outputs"] = [{"name": "depth", "parameters": {"binary_data": True}}]
    head = orjson.dumps(request)
    answer = post(client, head + PIXELS.tobytes(), **{HEADER_LENGTH: str(len(head))})
    assert answer.headers["Content-Type"] == "application/octet-stream"
    length = int(answer.headers[HEADER_LENGTH])
    depth = orjson.loads(answer.content[:length])["outputs"][0]
    size = depth["parameters"]["binary_data_size"]
    array = np.frombuffer(answer.content[length : length + size], "<f4").reshape(depth["shape"])
    assert np.array_equal(array, in_library(checkpoint, PIXELS).raw_depth)
    assert len(answer.content) - length - size == (72 if everything else 0)


def test_pixels_in_json_are_the_same_image(client: RestClient, checkpoint: Path) -> None:
    pixels = {"name": "image", "datatype": "UINT8", "shape": [24, 32, 3]}
    for data in (PIXELS.tolist(), PIXELS.ravel().tolist()):
        answer = post(client, ask(inputs=[{**pixels, "data": data}], outputs=[{"name": "depth"}]))
        (depth,) = answer.json()["outputs"]
        assert np.array_equal(np.float32(depth["data"]), in_library(checkpoint, PIXELS).raw_depth)


def test_what_it_tells_of_itself(client: RestClient) -> None:
    assert get(client, "/v2").json()["extensions"] == ["binary_tensor_data"]
    assert get(client, "/v2/health/live").json() == {"live": True}
    assert get(client, "/v2/health/ready").json() == {"ready": True}
    for path in (MODEL, f"{MODEL}/versions/1"):
        told = get(client, path).json()
        assert told["inputs"] == [{"name": "image", "datatype": "BYTES", "shape": [1]}]
        assert get(client, f"{path}/ready").json() == {"ready": True}
    assert post(client, ask(), f"{MODEL}/versions/1/infer").status_code == 200


def test_a_model_or_version_that_there_is_none_of(client: RestClient) -> None:
    for path in ("/v2/models/base", f"{MODEL}/versions/7", "/v2/models/base/ready"):
        answer = get(client, path)
        assert answer.status_code == 403
        assert answer.json()["error"] == answer.json()["detail"]


PIXELS_IN_JSON = {"name": "image", "datatype": "UINT8", "shape": [1, 1, 3]}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"\xff\xfe",
        {},
        {"inputs": []},
        ask(inputs=[IN_JSON, IN_JSON]),
        ask(inputs=[{**IN_JSON, "name": "photo"}]),
        ask(inputs=[{**IN_JSON, "datatype": "FP32"}]),
        ask(inputs=[{**IN_JSON, "shape": ["1"]}]),
        ask(inputs=[{**IN_JSON, "data": ["not base64!"]}]),
        ask(inputs=[{**IN_JSON, "data": [1]}]),
        ask(inputs=[{**IN_JSON, "data": None}]),
        ask(inputs=[{**PIXELS_IN_JSON, "data": [0, 0, 256]}]),
        ask(inputs=[{**PIXELS_IN_JSON, "data": [0, 0, 0.5]}]),
        ask(inputs=[{**PIXELS_IN_JSON, "data": [[0], [0, 0]]}]),
        ask(inputs=[{**PIXELS_IN_JSON, "data": [0, 0, -(10**30)]}]),
        ask(inputs=[{**PIXELS_IN_JSON, "shape": [1, 3], "data": [0, 0, 0]}]),
        ask(inputs=[{**IN_JSON, "parameters": {"binary_data_size": 10**9}}]),
        ask(inputs=[{**IN_JSON, "parameters": {"binary_data_size": True}}]),
        ask(outputs=[{"name": "normals"}]),
        ask(outputs=[{"name": "depth"}, {"name": "depth"}]),
        ask(parameters={"dept_near": 1}),
        ask(parameters={"depth_near": -1}),
        ask(parameters={"input_size": 10**400}),
        ask(parameters={"points": 7}),
        ask(parameters={"timeout": "soon"}),
    ],
    ids=repr,
)
def test_what_makes_no_sense_is_told(client: RestClient, body: Any) -> None:
    answer = post(client, body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["type"] == "urn:vizion3d:invalid-config"
    assert answer.json()["error"]
    assert len(answer.text) < 2000


@pytest.mark.parametrize("length", ["-1", "x", "1e3", "9" * 5000, "100000"])
def test_a_header_length_that_makes_no_sense(client: RestClient, length: str) -> None:
    assert post(client, ask(), **{HEADER_LENGTH: length}).status_code == 422


def test_other_errors_are_those_of_the_other_routes(client: RestClient) -> None:
    no_photo = {**IN_JSON, "data": [base64.b64encode(b"no photo").decode()]}
    assert post(client, ask(inputs=[no_photo])).status_code == 400
    assert post(client, ask(parameters={"model_backend": "base"})).status_code == 403
    late = post(client, ask(parameters={**SMALL, "timeout": 1}))
    assert (late.status_code, late.json()["type"]) == (504, "urn:vizion3d:deadline-exceeded")


def test_only_what_tells_health_is_open(checkpoint: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("secret\n")
    with over_rest(build_service(ServerSettings(port=0, api_key_file=keys))) as locked:
        assert get(locked, "/v2/health/ready").status_code == 200
        assert get(locked, "/v2").status_code == 401
        assert get(locked, MODEL).status_code == 401
        assert post(locked, ask()).status_code == 401
