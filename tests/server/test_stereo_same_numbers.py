"""Stereo depth by import, REST, gRPC, both clients and the command line: the same numbers."""

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import open3d as o3d
import pytest
import requests
import trimesh
from PIL import Image

from tests.support import stereo_scenes as scenes
from tests.support.servers import Server, running
from vizion3d.client import GrpcClient, RestClient
from vizion3d.errors import InvalidConfigError, InvalidImageError, ModelNotAllowedError
from vizion3d.geometry.calibration_files import write_stereo
from vizion3d.lifting import DepthEstimationCommand
from vizion3d.proto import lifting_pb2 as pb
from vizion3d.proto import lifting_pb2_grpc as pb_grpc
from vizion3d.stereo import (
    StereoDepth,
    StereoDepthAdvancedConfig,
    StereoDepthCommand,
    StereoDepthResult,
)

pytestmark = pytest.mark.process

PAIR = scenes.render_pair(scenes.TWO)
# Numbers that float32, which gRPC's fields are, holds exactly.
FIELDS: dict[str, Any] = {
    "focal_length": 400.0,
    "cx": 159.5,
    "cy": 119.5,
    "baseline": 100.0,
    "fill": True,
}
CONFIG = StereoDepthAdvancedConfig(**FIELDS)
CALIBRATION = b"""cam0=[400 0 159.5; 0 400 119.5; 0 0 1]
cam1=[400 0 159.5; 0 400 119.5; 0 0 1]
doffs=0
baseline=100
width=320
height=240
"""


def png(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


LEFT, RIGHT = png(PAIR.left), png(PAIR.right)
FILES = {"left_image": LEFT, "right_image": RIGHT}


def command(config: StereoDepthAdvancedConfig = CONFIG) -> StereoDepthCommand:
    return StereoDepthCommand(LEFT, RIGHT, return_point_cloud=True, advanced_config=config)


@pytest.fixture(scope="module")
def expected() -> StereoDepthResult:
    return StereoDepth().run(command())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stereo")


@pytest.fixture(scope="module")
def rest(folder: Path) -> Iterator[Server]:
    with running("rest", folder / "rest.log", "--stereo_depth") as server:
        yield server
    assert "Traceback" not in (folder / "rest.log").read_text()


@pytest.fixture(scope="module")
def grpc_server(folder: Path) -> Iterator[Server]:
    with running("grpc", folder / "grpc.log", "--stereo-model", "sgbm") as server:
        yield server
    assert "Traceback" not in (folder / "grpc.log").read_text()


def post(rest: Server, accept: str = "application/json", **more: object) -> requests.Response:
    form = {name: str(value).lower() for name, value in {**FIELDS, **more}.items()}
    return requests.post(
        f"{rest.url}/lifting/stereo-depth",
        files=FILES,
        data=form,
        headers={"Accept": accept},
        timeout=120,
    )


def points_of(result: StereoDepthResult) -> np.ndarray:
    assert result.point_cloud is not None
    return np.asarray(result.point_cloud.points, np.float32)


def assert_same(found: StereoDepthResult, expected: StereoDepthResult) -> None:
    assert found == expected
    for name in ("valid", "confidence", "occluded", "filled", "rgb", "raw_depth"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    np.testing.assert_array_equal(points_of(found), points_of(expected))
    np.testing.assert_array_equal(np.asarray(found.depth_image), np.asarray(expected.depth_image))


def test_rest_json(rest: Server, expected: StereoDepthResult, tmp_path: Path) -> None:
    answer = post(rest, return_depth_image=True, return_point_cloud=True)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    np.testing.assert_array_equal(np.float32(told["depth_map"]), expected.depth_m)
    np.testing.assert_array_equal(np.float32(told["disparity_map"]), expected.disparity)
    assert (told["min_depth"], told["max_depth"]) == (expected.min_depth, expected.max_depth)
    assert told["backend_used"] == "sgbm"
    assert told["notes"] == []
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(told["depth_image"]))))
    np.testing.assert_array_equal(pixels, np.asarray(expected.depth_image))
    path = tmp_path / "cloud.ply"
    path.write_bytes(base64.b64decode(told["point_cloud_ply"]))
    cloud = o3d.io.read_point_cloud(path)
    np.testing.assert_allclose(np.asarray(cloud.points, np.float32), points_of(expected), rtol=1e-6)


def test_rest_json_without_its_large_parts(rest: Server) -> None:
    told = post(rest, depth_map=False, disparity_map=False).json()
    large = ("depth_map", "disparity_map", "depth_image", "point_cloud_ply")
    assert [told[name] for name in large] == [None] * 4


def test_rest_binary_answers(rest: Server, expected: StereoDepthResult) -> None:
    depth = np.load(io.BytesIO(post(rest, "application/x-npy").content))
    np.testing.assert_array_equal(depth, expected.depth_m)
    answer = post(rest, "application/x-npz")
    with np.load(io.BytesIO(answer.content)) as archive:
        for name in ("valid", "confidence", "occluded", "filled", "disparity"):
            np.testing.assert_array_equal(archive[name], getattr(expected, name))
    assert float(answer.headers["X-Min-Depth"]) == expected.min_depth
    assert json.loads(answer.headers["X-Notes"]) == []
    assert json.loads(answer.headers["X-Intrinsics"])["fx"] == 400
    pixels = np.asarray(Image.open(io.BytesIO(post(rest, "image/png").content)))
    np.testing.assert_array_equal(pixels, np.asarray(expected.depth_image))
    scene = trimesh.load_scene(io.BytesIO(post(rest, "model/gltf-binary").content), file_type="glb")
    (cloud,) = scene.geometry.values()
    assert isinstance(cloud, trimesh.PointCloud)
    np.testing.assert_allclose(np.float32(cloud.vertices), points_of(expected), rtol=1e-6)


def test_both_clients(rest: Server, grpc_server: Server, expected: StereoDepthResult) -> None:
    with RestClient(rest.url, timeout_s=120) as client:
        assert_same(client.run(command()), expected)
    with GrpcClient(grpc_server.address, timeout_s=120) as client:
        assert_same(client.run(command()), expected)
        found, wrong, again = client.run_stream(
            [command(), StereoDepthCommand(LEFT, LEFT), command()]
        )
        assert isinstance(wrong, InvalidImageError)
        assert isinstance(found, StereoDepthResult)
        assert_same(found, expected)
        assert isinstance(again, StereoDepthResult)
        assert_same(again, expected)


def test_grpc_as_its_old_clients_call_it(grpc_server: Server, expected: StereoDepthResult) -> None:
    request = pb.StereoDepthRequest(
        left_image_bytes=LEFT,
        right_image_bytes=RIGHT,
        return_point_cloud=True,
        advanced_config=pb.StereoDepthAdvancedConfig(**FIELDS),
    )
    with grpc_server.channel() as channel:
        answer = pb_grpc.LiftingServiceStub(channel).RunStereoDepth(request, timeout=120)
    rows = np.array([row.values for row in answer.depth_map], np.float32)
    np.testing.assert_array_equal(rows, expected.depth_m)
    rows = np.array([row.values for row in answer.disparity_map], np.float32)
    np.testing.assert_array_equal(rows, expected.disparity)
    assert answer.min_depth == expected.min_depth
    assert not answer.depth_image
    assert answer.point_cloud_ply.startswith(b"ply")


def test_a_calibration_travels(rest: Server, grpc_server: Server) -> None:
    config = StereoDepthAdvancedConfig.from_calibration(CALIBRATION, fill=True)
    here = StereoDepth().run(command(config))
    with RestClient(rest.url, timeout_s=120) as client:
        assert_same_numbers(client.run(command(config)), here)
    with GrpcClient(grpc_server.address, timeout_s=120) as client:
        assert_same_numbers(client.run(command(config)), here)
    answer = requests.post(
        f"{rest.url}/lifting/stereo-depth",
        files={**FILES, "calibration": CALIBRATION},
        data={"fill": "true"},
        headers={"Accept": "application/x-npy"},
        timeout=120,
    )
    np.testing.assert_array_equal(np.load(io.BytesIO(answer.content)), here.depth_m)


def assert_same_numbers(found: StereoDepthResult, expected: StereoDepthResult) -> None:
    np.testing.assert_array_equal(found.depth_m, expected.depth_m)
    np.testing.assert_array_equal(found.disparity, expected.disparity)


def test_the_command_line(expected: StereoDepthResult, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from vizion3d.programs.cli import app

    (tmp_path / "left.png").write_bytes(LEFT)
    (tmp_path / "right.png").write_bytes(RIGHT)
    (tmp_path / "calib.txt").write_bytes(CALIBRATION)
    run = CliRunner().invoke(
        app,
        [
            *("stereo", str(tmp_path / "left.png"), str(tmp_path / "right.png"), "--fill"),
            *("--calibration", str(tmp_path / "calib.txt"), "--out", str(tmp_path / "out")),
            *("--save", "npy,disparity,npz,json"),
        ],
    )
    assert run.exit_code == 0, run.output
    np.testing.assert_array_equal(np.load(tmp_path / "out" / "left.npy"), expected.depth_m)
    disparity = np.load(tmp_path / "out" / "left.disparity.npy")
    np.testing.assert_array_equal(disparity, expected.disparity)
    facts = json.loads((tmp_path / "out" / "left.json").read_text())
    assert facts["min_depth"] == expected.min_depth


def test_errors_are_those_of_the_library(rest: Server, grpc_server: Server) -> None:
    with RestClient(rest.url) as by_rest, GrpcClient(grpc_server.address) as by_grpc:
        for client in (by_rest, by_grpc):
            with pytest.raises(InvalidImageError, match="swapped"):
                client.run(StereoDepthCommand(RIGHT, LEFT))
            with pytest.raises(ModelNotAllowedError):
                client.run(StereoDepthCommand(LEFT, RIGHT, "/etc/passwd"))
            with pytest.raises(Exception, match=r"there is nothing at|UNIMPLEMENTED"):
                client.run(DepthEstimationCommand(LEFT))
    answer = post(rest, baseline=-1)
    assert answer.status_code == 422
    assert "baseline" in answer.json()["detail"]
    request = pb.StereoDepthRequest(left_image_bytes=LEFT, right_image_bytes=RIGHT)
    request.advanced_config.rectify = "perhaps"
    with grpc_server.channel() as channel, pytest.raises(Exception, match="rectify"):
        pb_grpc.LiftingServiceStub(channel).RunStereoDepth(request, timeout=60)


def test_written_calibrations_read_back() -> None:
    config = StereoDepthAdvancedConfig.from_calibration(CALIBRATION)
    assert config.calibration is not None
    again = StereoDepthAdvancedConfig.from_calibration(write_stereo(config.calibration))
    assert again.model_dump() == config.model_dump()
    with pytest.raises(InvalidConfigError):
        StereoDepthAdvancedConfig.from_calibration(b"nothing")


def test_the_default_model_is_listed(rest: Server) -> None:
    with RestClient(rest.url) as client:
        (model,) = client.models()
    assert (model.name, model.default, model.licence) == ("sgbm", True, "Apache-2.0")
