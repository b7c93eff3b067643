"""Python import, REST, gRPC and both clients give the same numbers for the same input."""

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import open3d as o3d
import pytest
import requests
import trimesh
from PIL import Image

from tests.support.servers import Server, running
from vizion3d.app import default_container
from vizion3d.client import GrpcClient, RestClient
from vizion3d.errors import (
    InvalidConfigError,
    InvalidImageError,
    ModelNotAllowedError,
    ServerError,
    Vizion3DError,
)
from vizion3d.geometry.projection import unproject
from vizion3d.lifting import (
    AlignDepthCommand,
    AlignedDepth,
    DepthEstimation,
    DepthEstimationAdvanceConfig,
    DepthEstimationCommand,
    DepthEstimationResult,
    Knowledge,
)
from vizion3d.proto import lifting_pb2 as pb
from vizion3d.proto import lifting_pb2_grpc as pb_grpc

pytestmark = pytest.mark.server

COFFEE = Path("examples/coffee.jpg").read_bytes()
SMALL = 140
CONFIG = DepthEstimationAdvanceConfig(
    fx=500.5, depth_near=0.75, depth_trunc=6.0, frame="opengl", edge_threshold=0.1
)
FORM = {
    "fx": "500.5",
    "depth_near": "0.75",
    "depth_trunc": "6",
    "frame": "opengl",
    "edge_threshold": "0.1",
    "input_size": str(SMALL),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("servers")


@pytest.fixture(scope="module")
def rest(folder: Path, vits: Path) -> Iterator[Server]:
    with running("rest", folder / "rest.log", "--depth_model", str(vits)) as server:
        yield server


@pytest.fixture(scope="module")
def grpc_server(folder: Path, vits: Path) -> Iterator[Server]:
    with running("grpc", folder / "grpc.log", "--depth-model", str(vits)) as server:
        yield server


def command(vits: Path, **changes: Any) -> DepthEstimationCommand:
    fields: dict[str, Any] = {
        "image_input": COFFEE,
        "model_backend": str(vits),
        "return_depth_image": True,
        "return_point_cloud": True,
        "advanced_config": CONFIG,
        "input_size": SMALL,
    }
    return DepthEstimationCommand(**{**fields, **changes})


@pytest.fixture
def expected(vits: Path) -> DepthEstimationResult:
    return DepthEstimation().run(command(vits))


def ask(rest: Server, accept: str, **form: str) -> requests.Response:
    answer = requests.post(
        rest.depth_url,
        files={"image": COFFEE},
        data={**FORM, **form},
        headers={"Accept": accept},
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == accept
    return answer


def test_the_json_of_rest(rest: Server, expected: DepthEstimationResult) -> None:
    form = {"return_depth_image": "true", "return_point_cloud": "true"}
    told = ask(rest, "application/json", **form).json()
    assert np.array_equal(np.array(told["depth_map"], np.float32), expected.raw_depth)
    assert told["min_depth"] == expected.min_depth
    assert told["max_depth"] == expected.max_depth
    assert told["backend_used"] == Path(expected.backend_used).name
    assert told["depth_kind"] == expected.depth_kind
    assert told["point_cloud_scale"] == 1.0
    assert expected.intrinsics is not None
    assert told["intrinsics"]["fx"] == 500.5
    assert told["intrinsics"]["cy"] == expected.intrinsics.cy
    with Image.open(io.BytesIO(base64.b64decode(told["depth_image"]))) as image:
        assert np.array_equal(np.asarray(image), np.asarray(expected.depth_image))
    check_ply(base64.b64decode(told["point_cloud_ply"]), expected)


def arrays_of(cloud: o3d.geometry.PointCloud | None) -> tuple[np.ndarray, np.ndarray]:
    assert cloud is not None
    colors = np.rint(np.asarray(cloud.colors) * 255).astype(np.uint8)
    return np.asarray(cloud.points, np.float32), colors


def check_ply(content: bytes, expected: DepthEstimationResult) -> None:
    (cloud,) = trimesh.load_scene(io.BytesIO(content), file_type="ply").geometry.values()
    assert isinstance(cloud, trimesh.PointCloud)
    points, colors = arrays_of(expected.point_cloud)
    assert len(points) > 1000
    np.testing.assert_allclose(cloud.vertices, points, rtol=1e-5, atol=1e-5)
    assert np.array_equal(cloud.colors[:, :3], colors)


def test_parts_of_the_json_that_are_not_asked_for_are_null(rest: Server) -> None:
    told = ask(rest, "application/json", depth_map="false").json()
    assert (told["depth_map"], told["depth_image"], told["point_cloud_ply"]) == (None, None, None)


def test_the_png_of_rest(rest: Server, expected: DepthEstimationResult) -> None:
    with Image.open(io.BytesIO(ask(rest, "image/png").content)) as image:
        assert image.mode == "I;16"
        assert np.array_equal(np.asarray(image), np.asarray(expected.depth_image))


def test_the_array_of_rest_and_its_headers(rest: Server, expected: DepthEstimationResult) -> None:
    answer = ask(rest, "application/x-npy")
    depth = np.load(io.BytesIO(answer.content))
    assert depth.dtype == np.float32
    assert np.array_equal(depth, expected.raw_depth)
    assert float(answer.headers["X-Min-Depth"]) == expected.min_depth
    assert float(answer.headers["X-Max-Depth"]) == expected.max_depth
    assert answer.headers["X-Model"] == Path(expected.backend_used).name
    assert len(answer.headers["X-Request-ID"]) == 32


@pytest.mark.parametrize("accept", ["model/ply", "application/x-ply"])
def test_the_cloud_of_rest(rest: Server, expected: DepthEstimationResult, accept: str) -> None:
    content = ask(rest, accept).content
    check_ply(content, expected)


def test_open3d_reads_the_cloud(
    rest: Server, expected: DepthEstimationResult, tmp_path: Path
) -> None:
    path = tmp_path / "points.ply"
    path.write_bytes(ask(rest, "model/ply").content)
    cloud = o3d.io.read_point_cloud(path)
    assert expected.point_cloud is not None
    assert len(cloud.points) == len(expected.point_cloud.points)


def test_the_glb_of_rest(rest: Server, expected: DepthEstimationResult) -> None:
    scene = trimesh.load_scene(io.BytesIO(ask(rest, "model/gltf-binary").content), file_type="glb")
    (cloud,) = scene.geometry.values()
    assert isinstance(cloud, trimesh.PointCloud)
    points, _ = arrays_of(expected.point_cloud)  # OpenGL's frame is glTF's
    np.testing.assert_allclose(cloud.vertices, points, rtol=1e-5, atol=1e-5)


def test_a_compressed_answer_is_the_same(rest: Server, expected: DepthEstimationResult) -> None:
    answer = ask(rest, "application/json")
    assert answer.headers["Content-Encoding"] == "gzip"  # requests asks for it
    assert np.array_equal(np.array(answer.json()["depth_map"], np.float32), expected.raw_depth)


def grpc_request(vits: Path, *, packed: bool) -> pb.DepthEstimationRequest:
    return pb.DepthEstimationRequest(
        image_bytes=COFFEE,
        model_backend=str(vits),
        return_depth_image=True,
        return_point_cloud=True,
        advanced_config=pb.DepthEstimationAdvanceConfig(
            fx=500.5, depth_near=0.75, depth_trunc=6, frame="opengl", edge_threshold=0.1
        ),
        packed_depth=packed,
        input_size=SMALL,
    )


@pytest.mark.parametrize("packed", [False, True])
def test_grpc(
    grpc_server: Server, vits: Path, expected: DepthEstimationResult, packed: bool
) -> None:
    with grpc_server.channel() as channel:
        stub = pb_grpc.LiftingServiceStub(channel)
        told = stub.RunDepthEstimation(grpc_request(vits, packed=packed), timeout=60)
    if packed:
        assert not told.depth_map
        assert told.packed_depth.dtype == "float32"
        depth = np.frombuffer(told.packed_depth.data, "<f4").reshape(told.packed_depth.shape)
    else:
        depth = np.array([row.values for row in told.depth_map], np.float32)
    assert np.array_equal(depth, expected.raw_depth)
    assert (told.min_depth, told.max_depth) == (expected.min_depth, expected.max_depth)
    assert told.backend_used == Path(expected.backend_used).name
    assert told.intrinsics.fx == 500.5
    with Image.open(io.BytesIO(told.depth_image)) as image:
        assert np.array_equal(np.asarray(image), np.asarray(expected.depth_image))
    check_ply(told.point_cloud_ply, expected)


def same(result: DepthEstimationResult, expected: DepthEstimationResult) -> None:
    assert result == expected
    assert np.array_equal(np.asarray(result.depth_image), np.asarray(expected.depth_image))
    for ours, theirs in zip(
        arrays_of(result.point_cloud), arrays_of(expected.point_cloud), strict=True
    ):
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("source", ["bytes", "path", "image", "array"])
def test_the_rest_client_returns_the_librarys_result(
    rest: Server, vits: Path, expected: DepthEstimationResult, source: str
) -> None:
    with RestClient(rest.url) as client:
        same(client.run(command(vits, image_input=photo(source))), expected)


@pytest.mark.parametrize("source", ["bytes", "array"])
def test_the_grpc_client_returns_the_librarys_result(
    grpc_server: Server, vits: Path, source: str, expected: DepthEstimationResult
) -> None:
    with GrpcClient(grpc_server.address) as client:
        same(client.run(command(vits, image_input=photo(source))), expected)


def photo(source: str) -> object:
    with Image.open(io.BytesIO(COFFEE)) as image:
        image.load()
        return {
            "bytes": COFFEE,
            "path": "examples/coffee.jpg",
            "image": image,
            "array": np.asarray(image.convert("RGB")),
        }[source]


def test_frames_come_back_in_order_and_a_bad_one_is_its_own_error(
    grpc_server: Server, vits: Path
) -> None:
    sizes = [140, 28, None, 56, 14, 42, 70]
    frames = (
        command(vits, input_size=size) if size else command(vits, image_input=b"no")
        for size in sizes
    )
    with GrpcClient(grpc_server.address) as client:
        stream = client.run_stream(frames)
        outcomes = list(stream)
    for size, outcome in zip(sizes, outcomes, strict=True):
        if size is None:
            assert isinstance(outcome, InvalidImageError)
        else:
            same_size = DepthEstimation().run(command(vits, input_size=size))
            assert isinstance(outcome, DepthEstimationResult)
            assert np.array_equal(outcome.raw_depth, same_size.raw_depth)


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"image_input": b"no photo"}, InvalidImageError, "not an image"),
        ({"model_backend": "large"}, ModelNotAllowedError, "does not offer"),
        ({"image_input": np.zeros((3, 400, 3), np.uint8)}, InvalidImageError, "extreme"),
        ({"image_input": np.zeros((100, 600, 3), np.uint8)}, InvalidImageError, "elongated"),
        ({"image_input": "missing.jpg"}, InvalidImageError, "missing.jpg"),
    ],
)
def test_errors_come_back_as_the_librarys(
    rest: Server,
    grpc_server: Server,
    vits: Path,
    protocol: str,
    changes: dict[str, object],
    error: type[Vizion3DError],
    message: str,
) -> None:
    wrong = command(vits, **{"input_size": 518, **changes})
    with RestClient(rest.url) as over_rest, GrpcClient(grpc_server.address) as over_grpc:
        client = over_rest if protocol == "rest" else over_grpc
        with pytest.raises(error, match=message):
            client.run(wrong)


def test_an_impossible_range_is_an_invalid_config(rest: Server) -> None:
    form = {"depth_near": "5", "depth_trunc": "4"}
    answer = requests.post(rest.depth_url, files={"image": COFFEE}, data=form, timeout=60)
    assert answer.status_code == 422
    assert "depth_near (5.0 m) must be less than depth_trunc (4.0 m)" in answer.json()["detail"]


def test_the_models_are_told(rest: Server, grpc_server: Server, vits: Path) -> None:
    with RestClient(rest.url) as over_rest, GrpcClient(grpc_server.address) as over_grpc:
        assert over_rest.ready()
        assert over_rest.models() == over_grpc.models()
        (model,) = over_rest.models()
    assert (model.name, model.default, model.variant) == (str(vits), True, "vits")
    assert model.depth_kind == "relative"
    assert model.loaded is not None
    assert model.loaded.startswith("openvino cpu")


def test_no_server_is_told_so() -> None:
    with (
        RestClient("http://127.0.0.1:9") as client,
        pytest.raises(ServerError, match="cannot be asked"),
    ):
        client.run(DepthEstimationCommand(COFFEE))
    with GrpcClient("127.0.0.1:9") as other, pytest.raises(ServerError, match="UNAVAILABLE"):
        other.run(DepthEstimationCommand(COFFEE))


def test_a_server_of_something_else_is_told_so(rest: Server) -> None:
    with RestClient(rest.url + "/docs/assets") as client, pytest.raises(ServerError):
        client.models()


def test_a_wrong_value_is_refused_before_it_is_sent() -> None:
    with pytest.raises(InvalidConfigError):
        DepthEstimationAdvanceConfig(fx=-1)


@pytest.fixture
def knowledge(expected: DepthEstimationResult) -> Knowledge:
    """Of every kind, of a scene that the network of the tests would have right."""
    low, high = expected.min_depth, expected.max_depth
    depth_m = 1 / (0.2 + 0.8 * (expected.raw_depth - low) / (high - low))
    pixels = [(30, 40), (500, 300), (320, 210), (111, 222)]
    sparse = np.zeros_like(depth_m)
    sparse[::50, ::50] = depth_m[::50, ::50]
    assert expected.intrinsics is not None
    points = unproject(depth_m, expected.intrinsics)
    metres = float(np.linalg.norm(points[40, 30] - points[300, 500]))
    return Knowledge(
        points=[(u, v, float(depth_m[v, u]), 0.5) for u, v in pixels],
        distances=[(30, 40, 500, 300, metres)],
        planes=[(100.25, 100, 102, 102, float(depth_m[101, 101]))],
        sparse_depth_m=sparse,
    )


@pytest.fixture
def aligned(vits: Path, knowledge: Knowledge) -> AlignedDepth:
    result = DepthEstimation().run(command(vits, knowledge=knowledge))
    assert isinstance(result, AlignedDepth)
    assert result.residuals.median_percent < 0.1
    assert 0.5 < result.min_depth < result.max_depth < 6
    return result


def test_metres_from_both_clients_and_the_bus(
    rest: Server, grpc_server: Server, vits: Path, knowledge: Knowledge, aligned: AlignedDepth
) -> None:
    asked = command(vits, knowledge=knowledge)
    with RestClient(rest.url) as over_rest, GrpcClient(grpc_server.address) as over_grpc:
        results = [client.run(asked) for client in (over_rest, over_grpc)]
    results.append(default_container().commands.dispatch(AlignDepthCommand(asked, knowledge)))
    for result in results:
        assert isinstance(result, AlignedDepth)
        same(result, aligned)
        assert result.alignment == aligned.alignment


def test_metres_by_hand_over_rest(
    rest: Server, knowledge: Knowledge, aligned: AlignedDepth, vits: Path
) -> None:
    rows = [(u, v, m) for u, v, m, _ in np.asarray(knowledge.points).tolist()]
    form = {"points": "; ".join(f"{u!r},{v!r},{m!r}" for u, v, m in rows)}
    told = ask(rest, "application/json", depth_map="true", **form).json()
    by_points = DepthEstimation().run(command(vits, knowledge=Knowledge(rows)))
    assert np.array_equal(np.array(told["depth_map"], np.float32), by_points.raw_depth)
    assert told["depth_kind"] == "metric"
    assert told["alignment"]["known"] == 4
    assert told["alignment"]["residuals"]["median_percent"] < 0.1
    millimetres = np.rint(np.asarray(knowledge.sparse_depth_m) * 1000).astype(np.uint16)
    png = io.BytesIO()
    Image.fromarray(millimetres).save(png, "PNG")
    answer = requests.post(
        rest.depth_url,
        files={"image": COFFEE, "sparse_depth": png.getvalue()},
        data=FORM,
        headers={"Accept": "application/x-npy"},
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    np.testing.assert_allclose(np.load(io.BytesIO(answer.content)), aligned.depth_m, rtol=1e-2)
    assert '"space":"inverse_depth"' in answer.headers["X-Alignment"]


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_knowledge_that_does_not_fit_is_told_as_the_library_tells_it(
    rest: Server, grpc_server: Server, vits: Path, protocol: str
) -> None:
    wrong = command(vits, knowledge=Knowledge([(600, 0, 1.0)]))
    with RestClient(rest.url) as over_rest, GrpcClient(grpc_server.address) as over_grpc:
        client = over_rest if protocol == "rest" else over_grpc
        with pytest.raises(InvalidConfigError, match="outside the image of 600 x 400 pixels"):
            client.run(wrong)
