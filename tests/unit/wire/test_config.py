from vizion3d.proto import lifting_pb2 as pb
from vizion3d.wire.config import read_config, write_config


def test_numbers_arrive_unrounded_and_only_those_that_were_set() -> None:
    fields = {"fx": 0.1, "depth_trunc": 1e9, "frame": "opengl"}
    message = write_config(pb.DepthEstimationAdvanceConfig, fields)
    arrived = pb.DepthEstimationAdvanceConfig.FromString(message.SerializeToString())
    assert read_config(arrived) == fields


def test_a_client_that_sends_no_exact_numbers_is_understood() -> None:
    assert read_config(pb.DepthEstimationAdvanceConfig(fx=500.5, cx=0)) == {"fx": 500.5, "cx": 0}


def test_a_server_that_knows_no_exact_numbers_reads_the_rounded_ones() -> None:
    message = write_config(pb.DepthEstimationAdvanceConfig, {"fx": 500.5})
    assert message.fx == 500.5
