"""Depth Anything 3 over REST and gRPC: kind, sky and notes travel, and the clouds follow."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.support.seeds import DA3_MONO_TINY, save_depth_anything_3
from tests.support.servers import Server, running
from vizion3d.app import build_container
from vizion3d.client import GrpcClient, RestClient
from vizion3d.lifting import DepthEstimationCommand
from vizion3d.settings import Settings

pytestmark = pytest.mark.process

ON_TORCH = {"VIZION3D_RUNTIME": "torch", "VIZION3D_DEVICE": "cpu", "VIZION3D_PRECISION": "fp32"}
COFFEE = Path("examples/coffee.jpg").read_bytes()


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "da3metric-tiny.safetensors"
    return save_depth_anything_3(path, DA3_MONO_TINY)


@pytest.fixture(scope="module", params=["rest", "grpc"])
def server(
    request: pytest.FixtureRequest, checkpoint: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("logs") / "server.log"
    with running(request.param, log, "--depth_model", str(checkpoint), **ON_TORCH) as ready:
        yield ready


def test_the_client_returns_the_librarys_result(server: Server, checkpoint: Path) -> None:
    command = DepthEstimationCommand(
        COFFEE, str(checkpoint), return_point_cloud=True, input_size=140
    )
    container = build_container(Settings(runtime="torch", device="cpu", precision="fp32"))
    expected = container.commands.dispatch(command)
    client = RestClient(server.url) if server.protocol == "rest" else GrpcClient(server.address)
    with client:
        result = client.run(command)
        (model,) = client.models()
    assert result == expected
    assert result.depth_kind == model.depth_kind == "metric"
    assert np.array_equal(result.sky, expected.sky)
    assert 0.05 < result.sky.mean() < 0.95
    assert "the focal length was not given" in result.notes[0]
    assert result.point_cloud is not None
    assert expected.point_cloud is not None
    assert len(result.point_cloud.points) == len(expected.point_cloud.points)
    assert (model.network, model.variant) == ("Depth Anything 3", "vit-64x24")
