"""What a real gRPC server answers to hostile stereo requests, and that it goes on afterwards."""

from collections.abc import Iterator
from typing import Any

import grpc
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.server.rest.test_stereo_hostile import LEFT, RIGHT
from tests.support.hostile import BAD_IMAGES, BAD_MODELS
from tests.support.servers import Server, running
from vizion3d.proto import lifting_pb2 as pb
from vizion3d.proto import lifting_pb2_grpc as pb_grpc

pytestmark = [pytest.mark.server, pytest.mark.process]
Code = grpc.StatusCode


@pytest.fixture(scope="module")
def stub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pb_grpc.LiftingServiceStub]:
    log = tmp_path_factory.mktemp("hostile") / "log"
    with running("grpc", log, "--stereo_depth") as server, _channel(server) as channel:
        yield pb_grpc.LiftingServiceStub(channel)
    assert "Traceback" not in log.read_text()


def _channel(server: Server) -> grpc.Channel:
    return server.channel()


def message(**fields: Any) -> pb.StereoDepthRequest:
    config = pb.StereoDepthAdvancedConfig(focal_length=200, baseline=100)
    given: dict[str, Any] = {
        "left_image_bytes": LEFT,
        "right_image_bytes": RIGHT,
        "advanced_config": config,
        "packed_depth": True,
        **fields,
    }
    return pb.StereoDepthRequest(**given)


@pytest.fixture(autouse=True)
def the_next_good_request_succeeds(stub: pb_grpc.LiftingServiceStub) -> Iterator[None]:
    yield
    answer = stub.RunStereoDepth(message(), timeout=60)
    assert np.frombuffer(answer.packed_depth.data, "<f4").max() > 1


def refused(stub: pb_grpc.LiftingServiceStub, request: pb.StereoDepthRequest) -> Code:
    with pytest.raises(grpc.RpcError) as caught:
        stub.RunStereoDepth(request, timeout=60)
    error = caught.value
    assert isinstance(error, grpc.Call)
    assert "Traceback" not in error.details()
    assert len(error.details()) < 2000
    return error.code()


@pytest.mark.parametrize("image", BAD_IMAGES.values(), ids=BAD_IMAGES)
def test_what_is_no_image_is_refused_on_either_side(
    stub: pb_grpc.LiftingServiceStub, image: bytes
) -> None:
    assert refused(stub, message(left_image_bytes=image)) == Code.INVALID_ARGUMENT
    assert refused(stub, message(right_image_bytes=image)) == Code.INVALID_ARGUMENT


@pytest.mark.parametrize("model", BAD_MODELS)
def test_a_model_that_is_not_offered_is_refused(
    stub: pb_grpc.LiftingServiceStub, model: str
) -> None:
    assert refused(stub, message(model_backend=model)) == Code.PERMISSION_DENIED


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.dictionaries(
        st.sampled_from([f.name for f in pb.StereoDepthAdvancedConfig.DESCRIPTOR.fields][:9]),
        st.floats(width=32),
        max_size=4,
    ),
    st.sampled_from([b"", b"x", b"cam0: 1", b"200 0 80 0 200 60 0 0 1 100"]),
)
def test_any_numbers_are_answered_or_refused(
    stub: pb_grpc.LiftingServiceStub, fields: dict[str, Any], calibration: bytes
) -> None:
    config = pb.StereoDepthAdvancedConfig(**fields)
    request = message(advanced_config=config, calibration=calibration, return_point_cloud=True)
    code, answer = outcome(stub, request)
    assert code in (Code.OK, Code.INVALID_ARGUMENT)
    assert np.isfinite(np.frombuffer(answer.packed_depth.data, "<f4")).all()


def outcome(
    stub: pb_grpc.LiftingServiceStub, request: pb.StereoDepthRequest
) -> tuple[Code, pb.StereoDepthResponse]:
    """The status, and the answer; an empty one if there is none."""
    call = stub.RunStereoDepth.future(request, timeout=60)
    code = call.code()
    return code, call.result() if code is Code.OK else pb.StereoDepthResponse()
