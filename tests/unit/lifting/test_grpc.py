from vizion3d.lifting.grpc import read
from vizion3d.lifting.models import DepthEstimationAdvanceConfig
from vizion3d.proto import lifting_pb2 as pb


def test_only_fields_that_are_set_reach_the_config() -> None:
    empty = read(pb.DepthEstimationRequest(image_bytes=b"x"))
    assert (empty.image_input, empty.model_backend) == (b"x", "")
    assert empty.advanced_config == DepthEstimationAdvanceConfig()
    assert empty.input_size is None
    config = pb.DepthEstimationAdvanceConfig(cx=0.0, depth_near=0.25, frame="opengl")
    told = read(pb.DepthEstimationRequest(advanced_config=config, input_size=42))
    expected = DepthEstimationAdvanceConfig(cx=0.0, depth_near=0.25, frame="opengl")
    assert told.advanced_config == expected
    assert told.input_size == 42
