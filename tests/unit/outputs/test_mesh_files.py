import io
from typing import Any

import numpy as np
import pytest
import trimesh

from vizion3d.geometry.cameras import CameraIntrinsics
from vizion3d.geometry.projection import unproject
from vizion3d.outputs.mesh_files import encode_mesh_glb, encode_obj, to_mesh

H, W = 12, 16
CAMERA = CameraIntrinsics(20.0, 21.0, 7.5, 5.5, W, H)
RGB = np.random.default_rng(0).integers(0, 256, (H, W, 3), np.uint8)
FLAT = np.full((H, W), 2.0, np.float32)


def read(content: bytes, kind: str) -> Any:
    scene: Any = trimesh.load(io.BytesIO(content), file_type=kind)
    (mesh,) = scene.geometry.values()
    return mesh


def test_a_wall_is_one_sheet_that_faces_the_camera() -> None:
    mesh = to_mesh(FLAT, CAMERA)
    assert len(mesh.faces) == 2 * (H - 1) * (W - 1)
    np.testing.assert_allclose(
        mesh.vertices, unproject(FLAT, CAMERA).reshape(-1, 3), rtol=1e-6, atol=1e-7
    )
    a, b, c = (mesh.vertices[mesh.faces[:, i]] for i in range(3))
    normals = np.cross(b - a, c - a)
    assert (normals[:, 2] < 0).all(), "towards the camera, which looks along +z"


def test_it_is_cut_where_depth_jumps_and_where_there_is_none() -> None:
    depth = FLAT.copy()
    depth[:, 8:] = 3.0
    depth[0, 0] = 0
    mesh = to_mesh(depth, CAMERA)
    columns = mesh.pixels[mesh.faces, 1]
    assert not ((columns.min(axis=1) < 8) & (columns.max(axis=1) >= 8)).any()
    assert not (mesh.pixels == 0).all(axis=1).any()
    assert len(mesh.faces) == 2 * (H - 1) * (W - 2) - 1


def test_a_large_image_becomes_every_nth_pixel() -> None:
    mesh = to_mesh(FLAT, CAMERA, max_vertices=50)
    assert len(mesh.vertices) == 6 * 8
    assert set(mesh.pixels[:, 1]) == set(range(0, W, 2))


def test_the_glb_shows_the_photo_where_it_was_taken() -> None:
    content = encode_mesh_glb(to_mesh(FLAT, CAMERA), RGB)
    mesh = read(content, "glb")
    upright = unproject(FLAT, CAMERA).reshape(-1, 3) * (1, -1, -1)
    np.testing.assert_allclose(mesh.vertices, upright, rtol=1e-5, atol=1e-6)
    texture = mesh.visual.material.baseColorTexture
    assert texture.size == (W, H)
    # trimesh turns v round, as OBJ has it: 1 is the top.
    np.testing.assert_allclose(mesh.visual.uv[0], (0.5 / W, 1 - 0.5 / H), atol=1e-6)


@pytest.mark.parametrize("frame", ["opencv", "opengl"])
def test_the_obj_has_a_colour_at_each_vertex(frame: Any) -> None:
    content = encode_obj(to_mesh(FLAT, CAMERA), RGB, frame)
    mesh: Any = trimesh.load(io.BytesIO(content), file_type="obj", process=False)
    signs = (1, -1, -1) if frame == "opengl" else (1, 1, 1)
    expected = unproject(FLAT, CAMERA).reshape(-1, 3) * signs
    np.testing.assert_allclose(mesh.vertices, expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(mesh.visual.vertex_colors[:, :3], RGB.reshape(-1, 3), atol=1)


def test_nothing_is_an_empty_scene() -> None:
    mesh = to_mesh(np.zeros((H, W), np.float32), CAMERA)
    assert len(mesh.faces) == 0
    assert encode_mesh_glb(mesh, RGB)[:4] == b"glTF"
    assert encode_obj(mesh, RGB) == b"# vizion3d\n"
