"""The numbers on the wire, which clients of earlier releases were built with."""

import re
from pathlib import Path

import pytest
from google.protobuf.message import Message

from vizion3d.proto import lifting_pb2, lifting_pb2_grpc

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("message", "numbers"),
    [
        (
            lifting_pb2.DepthEstimationRequest,
            {
                "image_bytes": 1,
                "model_backend": 2,
                "return_depth_image": 3,
                "return_point_cloud": 4,
                "advanced_config": 7,
            },
        ),
        (
            lifting_pb2.DepthEstimationAdvanceConfig,
            {"fx": 1, "fy": 2, "cx": 3, "cy": 4, "depth_scale": 5, "depth_trunc": 6},
        ),
        (
            lifting_pb2.DepthEstimationResponse,
            {
                "depth_map": 1,
                "min_depth": 2,
                "max_depth": 3,
                "backend_used": 4,
                "depth_image": 5,
                "point_cloud_ply": 6,
            },
        ),
        (lifting_pb2.FloatRow, {"values": 1}),
    ],
)
def test_field_numbers_are_those_that_clients_know(
    message: type[Message], numbers: dict[str, int]
) -> None:
    fields = {field.name: field.number for field in message.DESCRIPTOR.fields}
    assert {name: fields[name] for name in numbers} == numbers
    assert all(number >= 16 for name, number in fields.items() if name not in numbers)


def test_the_method_is_where_clients_call_it() -> None:
    service = lifting_pb2.DESCRIPTOR.services_by_name["LiftingService"]
    assert service.full_name == "vizion3d.lifting.LiftingService"
    assert "RunDepthEstimation" in service.methods_by_name


def test_an_unset_intrinsic_can_be_told_from_zero() -> None:
    config = lifting_pb2.DepthEstimationAdvanceConfig(cx=0.0)
    assert config.HasField("cx")
    assert not config.HasField("cy")


def test_the_package_asks_for_what_the_generated_code_needs() -> None:
    needed = lifting_pb2_grpc.GRPC_GENERATED_VERSION
    assert f'"grpcio>={needed}"' in (ROOT / "pyproject.toml").read_text()
    generated = (ROOT / "vizion3d" / "proto" / "lifting_pb2.py").read_text()
    major, minor, patch = re.findall(r"^    (\d+),$", generated, re.MULTILINE)[:3]
    assert f'"protobuf>={major}.{minor}.{patch}"' in (ROOT / "pyproject.toml").read_text()
