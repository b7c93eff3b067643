"""Depth Anything 3 over REST and gRPC: kind, sky, confidence and notes travel as the library tells
them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.in_process import over_grpc, over_rest
from tests.support.seeds import DA3_MONO_TINY, DA3_TINY, save_depth_anything_3
from vizion3d.app import build_container
from vizion3d.client import GrpcClient, RestClient
from vizion3d.lifting import DepthEstimationCommand, DepthEstimationResult
from vizion3d.lifting.wire import PATH
from vizion3d.server.service import Service
from vizion3d.server.settings import ServerSettings
from vizion3d.serving import build_service
from vizion3d.settings import Settings

COFFEE = Path("examples/coffee.jpg").read_bytes()
Protocol = Callable[[Service], AbstractContextManager[RestClient | GrpcClient]]
METRIC, ANY_VIEW = "da3metric-tiny", "da3-tiny"


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("models")
    return {
        name: str(save_depth_anything_3(folder / f"{name}.safetensors", config))
        for name, config in {METRIC: DA3_MONO_TINY, ANY_VIEW: DA3_TINY}.items()
    }


@contextmanager
def serving(protocol: Protocol, checkpoints: dict[str, str]) -> Iterator[RestClient | GrpcClient]:
    settings = ServerSettings(
        port=0,
        models={"depth_estimation": checkpoints[METRIC]},
        allow_models=(checkpoints[ANY_VIEW],),
        device="cpu",
        precision="fp32",
    )
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("VIZION3D_RUNTIME", "torch")
        with protocol(build_service(settings)) as connected:
            yield connected


@pytest.fixture(scope="module")
def rest(checkpoints: dict[str, str]) -> Iterator[RestClient | GrpcClient]:
    with serving(over_rest, checkpoints) as connected:
        yield connected


@pytest.fixture(scope="module")
def grpc_client(checkpoints: dict[str, str]) -> Iterator[RestClient | GrpcClient]:
    with serving(over_grpc, checkpoints) as connected:
        yield connected


@pytest.fixture(params=["rest", "grpc_client"])
def client(request: pytest.FixtureRequest) -> RestClient | GrpcClient:
    connected: RestClient | GrpcClient = request.getfixturevalue(request.param)
    return connected


def asked(checkpoint: str) -> DepthEstimationCommand:
    return DepthEstimationCommand(COFFEE, checkpoint, return_point_cloud=True, input_size=140)


def of_the_library(checkpoint: str) -> DepthEstimationResult:
    container = build_container(Settings(runtime="torch", device="cpu", precision="fp32"))
    return container.commands.dispatch(asked(checkpoint))


@pytest.mark.parametrize("name", [METRIC, ANY_VIEW])
def test_the_client_returns_the_librarys_result(
    client: RestClient | GrpcClient, checkpoints: dict[str, str], name: str
) -> None:
    expected = of_the_library(checkpoints[name])
    result = client.run(asked(checkpoints[name]))
    assert result == expected
    assert np.array_equal(result.sky, expected.sky)
    assert result.point_cloud is not None
    assert expected.point_cloud is not None
    assert len(result.point_cloud.points) == len(expected.point_cloud.points)
    if name == METRIC:
        assert result.depth_kind == "metric"
        assert 0.05 < result.sky.mean() < 0.95
        assert "the focal length was not given" in result.notes[0]
        assert result.confidence is None
        assert result.intrinsics is not None
        assert result.focal_px == pytest.approx(result.intrinsics.fx, rel=0.05)
    else:
        assert result.depth_kind == "up_to_scale"
        assert result.confidence is not None
        assert result.focal_px is None
        assert (result.confidence.shape, result.confidence.dtype) == ((400, 600), np.float32)
        assert 1 < result.confidence.min() < result.confidence.max()


def test_the_models_are_told_by_network_and_kind(client: RestClient | GrpcClient) -> None:
    told = [(m.network, m.variant, m.depth_kind) for m in client.models() if m.network]
    assert told == [
        ("Depth Anything 3", "vit-64x24", "metric"),
        ("Depth Anything 3", "vit-64x12", "up_to_scale"),
    ]


def test_the_rows_of_the_confidence_are_in_the_json_where_asked_for(
    rest: RestClient, checkpoints: dict[str, str]
) -> None:
    def told(name: str, **form: str) -> Any:
        answer = rest._session.post(
            f"http://in-process{PATH}",
            files={"image": COFFEE},
            data={"input_size": "140", "model_backend": checkpoints[name], **form},
        )
        return answer.json()["confidence_map"]

    rows = np.array(told(ANY_VIEW, confidence_map="true"), np.float32)
    expected = of_the_library(checkpoints[ANY_VIEW]).confidence
    assert expected is not None
    assert np.array_equal(rows, expected)
    assert told(ANY_VIEW) is None
    assert told(METRIC, confidence_map="true") is None
