import io
from collections.abc import Iterator
from email import message_from_bytes
from typing import Any

import numpy as np
import pytest
import trimesh
from PIL import Image
from scipy.spatial import cKDTree

from tests.support import stereo_scenes as scenes
from tests.support.in_process import over_rest
from tests.support.stereo_requests import encoded_pair
from vizion3d.client import RestClient
from vizion3d.outputs.depth_files import encode_png
from vizion3d.server.rest.route import Asked
from vizion3d.server.settings import ServerSettings
from vizion3d.serving import build_service
from vizion3d.stereo import StereoDepth, StereoDepthCommand
from vizion3d.stereo.rest import ROUTE

FIELDS = {"focal_length": "200", "baseline": "120"}


@pytest.fixture(scope="module")
def client() -> Iterator[RestClient]:
    settings = ServerSettings(port=0, features=("stereo_depth",))
    with over_rest(build_service(settings)) as connected:
        yield connected


def shape_of(client: RestClient, accept: str, **fields: str) -> Any:
    left, right = encoded_pair()
    answer = client._session.post(
        "http://in-process/lifting/stereo-depth",
        files={"left_image": left, "right_image": right},
        data={**FIELDS, **fields},
        headers={"Accept": accept},
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == accept
    kind = "ply" if accept == "model/ply" else "glb"
    (shape,) = trimesh.load_scene(io.BytesIO(answer.content), file_type=kind).geometry.values()
    return shape


def test_a_cloud_is_thinned(client: RestClient) -> None:
    whole = shape_of(client, "model/ply").vertices
    fewer = shape_of(client, "model/ply", max_points="500").vertices
    assert len(whole) > 5000
    assert 250 < len(fewer) <= 500
    assert cKDTree(whole).query(fewer)[0].max() < 1e-5  # some of the same points
    cubes = shape_of(client, "model/ply", voxel="0.1").vertices
    occupied = len(np.unique(np.floor(whole / 0.1), axis=0))
    assert len(cubes) == pytest.approx(occupied, rel=0.05)


def test_a_mesh_is_a_content_of_glb(client: RestClient) -> None:
    mesh = shape_of(client, "model/gltf-binary; content=mesh", max_points="800")
    assert isinstance(mesh, trimesh.Trimesh)
    assert 100 < len(mesh.vertices) <= 800


def test_form_data_has_the_metres_and_the_left_photo() -> None:
    pair = scenes.render_pair(scenes.FRONT)
    command = StereoDepthCommand(
        encode_png(pair.left),
        encode_png(pair.right),
        return_depth_image=False,
        advanced_config=pair.config,
    )
    result = StereoDepth().run(command)
    body, headers = ROUTE.encode(result, Asked(command), "multipart/form-data")
    head = f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode()
    message = message_from_bytes(head + body)
    contents = {
        part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
        for part in message.walk()
        if not part.is_multipart()
    }
    assert contents.keys() == {"depth", "left"}
    depth, left = (contents[name] for name in ("depth", "left"))
    assert isinstance(depth, bytes)
    assert isinstance(left, bytes)
    assert np.array_equal(np.load(io.BytesIO(depth)), result.depth_m)
    photo = np.asarray(Image.open(io.BytesIO(left)), np.int16)
    assert np.abs(photo - pair.left).mean() < np.abs(photo - pair.right).mean() / 4
