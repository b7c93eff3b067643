"""What a real gRPC server answers to those who mean no good, and that it goes on afterwards."""

import io
import math
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import vizion3d
from tests.support.hostile import BAD_IMAGES, BAD_MODELS, NOT_OFFERED, encoded, every_mode
from tests.support.servers import Server, running
from vizion3d.proto import lifting_pb2 as pb
from vizion3d.proto import lifting_pb2_grpc as pb_grpc

pytestmark = pytest.mark.server

GOOD = encoded()
MIB = 1 << 20
Code = grpc.StatusCode
METHOD = "/vizion3d.lifting.LiftingService/RunDepthEstimation"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("hostile") / "log"
    with running("grpc", log, "--depth_model", "nano", "--max-body-bytes", str(MIB)) as server:
        yield server


@pytest.fixture(scope="module")
def channel(server: Server) -> Iterator[grpc.Channel]:
    with server.channel() as channel:
        yield channel


@pytest.fixture(scope="module")
def stub(channel: grpc.Channel) -> pb_grpc.LiftingServiceStub:
    return pb_grpc.LiftingServiceStub(channel)


def message(image: bytes = GOOD, **fields: Any) -> pb.DepthEstimationRequest:
    given: dict[str, Any] = {"input_size": 14, "packed_depth": True, **fields}
    return pb.DepthEstimationRequest(image_bytes=image, **given)


@pytest.fixture(scope="module")
def expected(stub: pb_grpc.LiftingServiceStub) -> bytes:
    return stub.RunDepthEstimation(message(), timeout=60).packed_depth.data


@pytest.fixture(autouse=True)
def the_next_good_request_succeeds(
    stub: pb_grpc.LiftingServiceStub, expected: bytes
) -> Iterator[None]:
    yield
    assert stub.RunDepthEstimation(message(), timeout=60).packed_depth.data == expected


def assert_plain(detail: str) -> str:
    """It says something, and nothing of the server's inside."""
    assert detail
    assert len(detail) < 2000
    for inside in ("Traceback", "site-packages", " at 0x", str(Path(vizion3d.__file__).parent)):
        assert inside not in detail
    return detail


def refused(stub: pb_grpc.LiftingServiceStub, request: pb.DepthEstimationRequest) -> grpc.Call:
    with pytest.raises(grpc.RpcError) as caught:
        stub.RunDepthEstimation(request, timeout=60)
    assert isinstance(caught.value, grpc.Call)
    assert_plain(caught.value.details() or "")
    return caught.value


@pytest.mark.parametrize("image", BAD_IMAGES.values(), ids=BAD_IMAGES)
def test_what_is_no_image_is_refused(stub: pb_grpc.LiftingServiceStub, image: bytes) -> None:
    assert refused(stub, message(image)).code() is Code.INVALID_ARGUMENT


@pytest.mark.parametrize("file_format", NOT_OFFERED)
def test_a_format_that_is_not_offered_is_refused(
    stub: pb_grpc.LiftingServiceStub, file_format: str
) -> None:
    assert refused(stub, message(encoded(file_format))).code() is Code.INVALID_ARGUMENT


@pytest.mark.parametrize(("file_format", "mode"), every_mode())
def test_every_mode_gets_its_depth(
    stub: pb_grpc.LiftingServiceStub, file_format: str, mode: str
) -> None:
    answer = stub.RunDepthEstimation(message(encoded(file_format, mode=mode)), timeout=60)
    assert list(answer.packed_depth.shape) == [24, 32]


@pytest.mark.parametrize("name", [name for name in BAD_MODELS if name])
def test_a_model_that_is_not_offered_is_refused(
    stub: pb_grpc.LiftingServiceStub, name: str
) -> None:
    error = refused(stub, message(model_backend=name))
    assert error.code() is Code.PERMISSION_DENIED
    assert "does not offer" in (error.details() or "")


def test_a_url_for_a_model_opens_no_connection(stub: pb_grpc.LiftingServiceStub) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/model.pth"
        assert refused(stub, message(model_backend=url)).code() is Code.PERMISSION_DENIED
        with pytest.raises(BlockingIOError):
            listening.accept()


def test_a_message_that_is_too_large_is_refused(
    stub: pb_grpc.LiftingServiceStub, server: Server
) -> None:
    before = server.memory_bytes()
    for size in (2 * MIB, 200 * MIB):
        assert refused(stub, message(bytes(size))).code() is Code.RESOURCE_EXHAUSTED
    assert server.memory_bytes() - before < 100 * MIB
    # What the limit lets through is an image or not, as ever.
    assert refused(stub, message(bytes(MIB))).code() is Code.INVALID_ARGUMENT


@pytest.mark.parametrize("raw", [b"\xff" * 100, b"\x0a\xff\xff\xff\xff\x0f", b"\x12\x02\xff\xfe"])
def test_bytes_that_are_no_message_are_refused(channel: grpc.Channel, raw: bytes) -> None:
    call = channel.unary_unary(METHOD, request_serializer=bytes, response_deserializer=bytes)
    with pytest.raises(grpc.RpcError) as caught:
        call(raw, timeout=60)
    assert isinstance(caught.value, grpc.Call)
    assert caught.value.code() is Code.UNKNOWN  # grpc's own, before our code is asked
    assert_plain(caught.value.details() or "")


def test_a_method_that_does_not_exist_is_told(channel: grpc.Channel) -> None:
    call = channel.unary_unary(METHOD + "X", request_serializer=bytes, response_deserializer=bytes)
    with pytest.raises(grpc.RpcError) as caught:
        call(b"", timeout=60)
    assert isinstance(caught.value, grpc.Call)
    assert caught.value.code() is Code.UNIMPLEMENTED


numbers = st.none() | st.floats(width=32) | st.sampled_from([0.0, 1e-30, 1e30, 0.5, 500.0])
configs = st.builds(
    pb.DepthEstimationAdvanceConfig,
    **dict.fromkeys(("fx", "fy", "cx", "cy", "depth_scale", "depth_trunc", "depth_near"), numbers),
    edge_threshold=numbers,
    frame=st.none() | st.sampled_from(["opencv", "opengl"]) | st.text(),
)
requests = st.builds(
    pb.DepthEstimationRequest,
    image_bytes=st.sampled_from([GOOD, *BAD_IMAGES.values()]) | st.binary() | st.just(GOOD),
    model_backend=st.sampled_from(["", "nano", *BAD_MODELS]) | st.text() | st.just(""),
    return_depth_image=st.booleans(),
    return_point_cloud=st.booleans(),
    packed_depth=st.booleans(),
    advanced_config=st.none() | configs,
    input_size=st.sampled_from([14, 15, 56]) | st.integers(0, 2**32 - 1),
)


@given(request=requests)
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_request_gets_a_depth_or_a_reason(
    stub: pb_grpc.LiftingServiceStub, request: pb.DepthEstimationRequest
) -> None:
    call = stub.RunDepthEstimation.future(request, timeout=60)
    if call.exception() is not None:
        assert call.code() in (Code.INVALID_ARGUMENT, Code.PERMISSION_DENIED), call
        assert_plain(call.details())
        return
    answer = call.result()
    assert request.image_bytes == GOOD
    assert math.isfinite(answer.min_depth)
    assert math.isfinite(answer.max_depth)
    if request.packed_depth:
        depth = np.frombuffer(answer.packed_depth.data, np.float32)
    else:
        depth = np.array([row.values for row in answer.depth_map], np.float32).ravel()
    assert depth.size == 32 * 24
    assert depth.min() == np.float32(answer.min_depth)
    assert bool(answer.depth_image) == request.return_depth_image
    if request.return_depth_image:
        assert Image.open(io.BytesIO(answer.depth_image)).size == (32, 24)
    if request.return_point_cloud:
        points = answer.point_cloud_ply.partition(b"end_header\n")[2]
        layout = np.dtype([("xyz", "<f4", 3), ("rgb", "u1", 3)])
        assert np.isfinite(np.frombuffer(points, layout)["xyz"]).all()


def test_bad_frames_of_a_stream_fail_alone(
    stub: pb_grpc.LiftingServiceStub, expected: bytes
) -> None:
    frames = [
        message(),
        message(b"garbage"),
        message(model_backend="/etc/passwd"),
        message(),
        message(advanced_config=pb.DepthEstimationAdvanceConfig(fx=math.nan)),
        message(input_size=2**32 - 1),
        pb.DepthEstimationRequest(),
        message(BAD_IMAGES["png bomb"]),
        message(),
    ]
    bad, denied = Code.INVALID_ARGUMENT.value[0], Code.PERMISSION_DENIED.value[0]
    outcomes = list(stub.StreamDepthEstimation(iter(frames), timeout=60))
    assert [outcome.index for outcome in outcomes] == list(range(len(frames)))
    codes = [outcome.error.code for outcome in outcomes]
    assert codes == [0, bad, denied, 0, bad, bad, bad, bad, 0]
    for outcome in outcomes:
        if outcome.error.code:
            assert_plain(outcome.error.detail)
        else:
            assert outcome.result.packed_depth.data == expected


def test_a_stream_that_is_too_large_ends_alone(stub: pb_grpc.LiftingServiceStub) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        list(stub.StreamDepthEstimation(iter([message(), message(bytes(2 * MIB))]), timeout=60))
    assert isinstance(caught.value, grpc.Call)
    assert caught.value.code() is Code.RESOURCE_EXHAUSTED


def test_health_and_reflection_answer(channel: grpc.Channel) -> None:
    health = health_pb2_grpc.HealthStub(channel)
    for service in ("", "vizion3d.lifting.LiftingService"):
        answer = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=10)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.RpcError) as caught:
        health.Check(health_pb2.HealthCheckRequest(service="other"), timeout=10)
    assert isinstance(caught.value, grpc.Call)
    assert caught.value.code() is Code.NOT_FOUND
    reflection = reflection_pb2_grpc.ServerReflectionStub(channel)
    question = reflection_pb2.ServerReflectionRequest(list_services="")
    (answer,) = reflection.ServerReflectionInfo(iter([question]), timeout=10)
    names = {service.name for service in answer.list_services_response.service}
    assert {"vizion3d.lifting.LiftingService", "grpc.health.v1.Health"} <= names


def test_clients_that_go_away_are_logged_and_crash_nothing(
    stub: pb_grpc.LiftingServiceStub, server: Server
) -> None:
    for _ in range(60):  # one in ten was once enough
        stream: Any = stub.StreamDepthEstimation(iter([message()] * 3), timeout=60)
        next(stream)
        stream.cancel()
        stub.RunDepthEstimation.future(message(), timeout=60).cancel()
    assert stub.RunDepthEstimation(message(), timeout=60).depth_kind == "relative"
    gone = [line for line in server.access_log() if line["code"] == "CANCELLED"]
    assert gone
    assert all(line["client"] for line in gone)
