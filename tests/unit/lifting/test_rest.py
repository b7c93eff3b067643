import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pytest
import requests
import trimesh

from tests.support.checkpoints import save_checkpoint
from tests.support.hostile import encoded
from tests.support.in_process import over_rest
from vizion3d.client import RestClient
from vizion3d.lifting import DepthEstimationCommand
from vizion3d.lifting.task import DEPTH_ESTIMATION
from vizion3d.server.settings import ServerSettings
from vizion3d.serving import build_service

WIDTH, HEIGHT = 32, 24
PHOTO = encoded("PNG", (WIDTH, HEIGHT))


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RestClient]:
    checkpoint = save_checkpoint(tmp_path_factory.mktemp("models") / "tiny.safetensors")
    settings = ServerSettings(port=0, models={"depth_estimation": str(checkpoint)})
    with over_rest(build_service(settings, (DEPTH_ESTIMATION,))) as connected:
        yield connected


def ask(client: RestClient, accept: str, **fields: Any) -> requests.Response:
    return client._session.post(
        "http://in-process/lifting/depth-estimation",
        files={"image": PHOTO},
        data=fields,
        headers={"Accept": accept},
    )


def depth_in_exr(content: bytes, folder: Path) -> np.ndarray:
    path = folder / "depth.exr"
    path.write_bytes(content)
    (part,) = OpenEXR.File(str(path)).parts
    pixels: np.ndarray = part.channels["Z"].pixels
    return pixels


def test_exr_is_the_depth_that_npy_is(client: RestClient, tmp_path: Path) -> None:
    answer = ask(client, "image/x-exr")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "image/x-exr"
    assert 'filename="depth.exr"' in answer.headers["Content-Disposition"]
    array = np.load(io.BytesIO(ask(client, "application/x-npy").content))
    assert np.array_equal(depth_in_exr(answer.content, tmp_path), array)
    assert float(answer.headers["X-Max-Depth"]) == array.max()


def test_where_openexr_is_missing_the_answer_says_what_to_install(
    client: RestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "OpenEXR", None)
    answer = ask(client, "image/x-exr")
    assert answer.status_code == 406
    assert "pip install 'vizion3d[exr]'" in answer.json()["detail"]
    assert ask(client, "image/png").status_code == 200


def test_a_clients_result_saves_itself_as_exr(client: RestClient, tmp_path: Path) -> None:
    result = client.run(DepthEstimationCommand(PHOTO))
    saved = result.save(tmp_path / "photo.exr").read_bytes()
    assert np.array_equal(depth_in_exr(saved, tmp_path), result.raw_depth)


def test_a_mesh_is_a_content_of_glb(client: RestClient) -> None:
    for accept, kind in (
        ("model/gltf-binary", trimesh.PointCloud),
        ("model/gltf-binary; content=mesh", trimesh.Trimesh),
    ):
        answer = ask(client, accept, max_points="300")
        assert answer.headers["Content-Type"] == accept
        scene = trimesh.load_scene(io.BytesIO(answer.content), file_type="glb")
        (shape,) = scene.geometry.values()
        assert isinstance(shape, kind)
        assert 0 < len(shape.vertices) <= 300
