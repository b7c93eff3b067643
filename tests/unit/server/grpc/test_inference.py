from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from tests.support.checkpoints import save_checkpoint
from tests.support.hostile import encoded
from tests.support.in_process import over_grpc
from vizion3d.client import GrpcClient
from vizion3d.lifting import DepthEstimation, DepthEstimationCommand
from vizion3d.proto import open_inference_pb2 as pb
from vizion3d.server.grpc.inference import INFERENCE_SERVICE
from vizion3d.server.scheduler import State
from vizion3d.server.settings import ServerSettings
from vizion3d.serving import build_service

PHOTO = encoded(size=(32, 24))
PIXELS = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
SMALL = {"input_size": pb.InferParameter(int64_param=14)}
MODEL = "depth_estimation"
Input = pb.ModelInferRequest.InferInputTensor


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_checkpoint(tmp_path_factory.mktemp("inference") / "tiny.safetensors")


@pytest.fixture(scope="module")
def client(checkpoint: Path) -> Iterator[GrpcClient]:
    settings = ServerSettings(port=0, models={MODEL: str(checkpoint)})
    service = build_service(settings)
    service.scheduler.state = State.READY
    with over_grpc(service) as connected:
        yield connected


def call(client: GrpcClient, method: str, request: Any, **options: Any) -> Any:
    answer = getattr(pb, f"{method}Response")
    path = f"/{INFERENCE_SERVICE}/{method}"
    rpc = client._channel.unary_unary(path, type(request).SerializeToString, answer.FromString)
    return rpc(request, timeout=options.pop("timeout", 60), **options)


def refusal(client: GrpcClient, method: str, request: Any, **options: Any) -> grpc.StatusCode:
    with pytest.raises(grpc.RpcError) as told:
        call(client, method, request, **options)
    error: Any = told.value
    assert len(error.details()) < 1000
    code: grpc.StatusCode = error.code()
    return code


def asked(*inputs: Any, raw: tuple[bytes, ...] = (), **fields: Any) -> pb.ModelInferRequest:
    fields = {"model_name": MODEL, "parameters": SMALL, **fields}
    return pb.ModelInferRequest(inputs=inputs, raw_input_contents=raw, **fields)


def in_library(checkpoint: Path, image: Any) -> Any:
    return DepthEstimation().run(DepthEstimationCommand(image, str(checkpoint), input_size=14))


FILE = Input(name="image", datatype="BYTES", shape=[1])
RAW_FILE = len(PHOTO).to_bytes(4, "little") + PHOTO
RGB = Input(name="image", datatype="UINT8", shape=PIXELS.shape)
IN_FIELDS = Input(name="image", datatype="BYTES", shape=[1])
IN_FIELDS.contents.bytes_contents.append(PHOTO)
NUMBERS = Input(name="image", datatype="UINT8", shape=PIXELS.shape)
NUMBERS.contents.uint_contents.extend(PIXELS.ravel().tolist())


@pytest.mark.parametrize(
    ("request_", "image"),
    [
        (asked(FILE, raw=(RAW_FILE,)), PHOTO),
        (asked(RGB, raw=(PIXELS.tobytes(),)), PIXELS),
        (asked(IN_FIELDS), PHOTO),
        (asked(NUMBERS), PIXELS),
    ],
    ids=["raw file", "raw pixels", "file", "pixels"],
)
def test_the_answer_is_the_librarys(
    client: GrpcClient, checkpoint: Path, request_: Any, image: Any
) -> None:
    request_.id = "photo-1"
    answer = call(client, "ModelInfer", request_)
    expected = in_library(checkpoint, image)
    assert (answer.model_name, answer.model_version, answer.id) == (MODEL, "1", "photo-1")
    assert [output.name for output in answer.outputs] == ["depth", "intrinsics"]
    depth = np.frombuffer(answer.raw_output_contents[0], "<f4").reshape(answer.outputs[0].shape)
    assert np.array_equal(depth, expected.raw_depth)
    assert answer.parameters["max_depth"].double_param == expected.max_depth
    assert answer.parameters["depth_kind"].string_param == "relative"


def test_what_it_tells_of_itself(client: GrpcClient) -> None:
    assert call(client, "ServerLive", pb.ServerLiveRequest()).live
    assert call(client, "ServerReady", pb.ServerReadyRequest()).ready
    assert call(client, "ModelReady", pb.ModelReadyRequest(name=MODEL)).ready
    assert call(client, "ServerMetadata", pb.ServerMetadataRequest()).name == "vizion3d"
    told = call(client, "ModelMetadata", pb.ModelMetadataRequest(name="sgbm", version="1"))
    assert [tensor.name for tensor in told.inputs] == ["left_image", "right_image"]
    assert (told.outputs[0].name, list(told.outputs[0].shape)) == ("depth", [-1, -1])


TOO_LARGE = Input(name="image", datatype="UINT8", shape=[1, 1, 3])
TOO_LARGE.contents.uint_contents.extend([0, 0, 256])
WRONG = pb.InferParameter(string_param="soon")


@pytest.mark.parametrize(
    "request_",
    [
        asked(),
        asked(FILE),
        asked(FILE, raw=(b"\1",)),
        asked(FILE, raw=(RAW_FILE, RAW_FILE)),
        asked(FILE, FILE, raw=(RAW_FILE, RAW_FILE)),
        asked(RGB, raw=(b"",)),
        asked(TOO_LARGE),
        asked(IN_FIELDS, parameters={"depth_near": WRONG}),
        asked(IN_FIELDS, outputs=[{"name": "normals"}]),
    ],
)
def test_what_makes_no_sense_is_told(client: GrpcClient, request_: Any) -> None:
    assert refusal(client, "ModelInfer", request_) is grpc.StatusCode.INVALID_ARGUMENT


def test_other_errors_are_those_of_the_other_rpcs(client: GrpcClient) -> None:
    denied = grpc.StatusCode.PERMISSION_DENIED
    assert refusal(client, "ModelInfer", asked(IN_FIELDS, model_name="base")) is denied
    assert refusal(client, "ModelReady", pb.ModelReadyRequest(name="base")) is denied
    late = refusal(client, "ModelInfer", asked(IN_FIELDS), timeout=1e-9)
    assert late is grpc.StatusCode.DEADLINE_EXCEEDED


def test_a_parameter_without_a_value_is_left_out(client: GrpcClient) -> None:
    parameters = {**SMALL, "depth_near": pb.InferParameter()}
    assert call(client, "ModelInfer", asked(IN_FIELDS, parameters=parameters)).outputs


def test_only_what_tells_health_is_open(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("secret\n")
    with over_grpc(build_service(ServerSettings(port=0, api_key_file=keys))) as locked:
        assert not call(locked, "ServerReady", pb.ServerReadyRequest()).ready
        refused = grpc.StatusCode.UNAUTHENTICATED
        assert refusal(locked, "ModelInfer", asked(IN_FIELDS)) is refused
        assert refusal(locked, "ServerMetadata", pb.ServerMetadataRequest()) is refused
        key = (("x-api-key", "secret"),)
        assert call(locked, "ServerMetadata", pb.ServerMetadataRequest(), metadata=key).name
