import io
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import open3d as o3d
import trimesh

from vizion3d.outputs.cloud_files import encode_glb, encode_ply

RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(50, 3)).astype(np.float32)
COLORS = RNG.integers(0, 256, (50, 3), np.uint8)


def document_of(glb: bytes) -> tuple[dict[str, Any], bytes]:
    magic, version, length = struct.unpack("<4sII", glb[:12])
    assert (magic, version, length) == (b"glTF", 2, len(glb))
    size, kind = struct.unpack("<I4s", glb[12:20])
    assert kind == b"JSON"
    rest = glb[20 + size :]
    if rest:
        binary_size, kind = struct.unpack("<I4s", rest[:8])
        assert (kind, binary_size) == (b"BIN\0", len(rest) - 8)
    return json.loads(glb[20 : 20 + size]), rest[8:]


def test_open3d_reads_the_ply(tmp_path: Path) -> None:
    path = tmp_path / "cloud.ply"
    path.write_bytes(encode_ply(POINTS, COLORS))
    cloud = o3d.io.read_point_cloud(path)
    assert np.array_equal(np.asarray(cloud.points).astype(np.float32), POINTS)
    assert np.array_equal(np.rint(np.asarray(cloud.colors) * 255), COLORS)


def test_a_ply_point_takes_fifteen_bytes() -> None:
    header, _, body = encode_ply(POINTS, COLORS).partition(b"end_header\n")
    assert header.startswith(b"ply\nformat binary_little_endian 1.0\n")
    assert b"element vertex 50" in header
    assert len(body) == 50 * 15


def test_trimesh_reads_the_glb_upright() -> None:
    scene: Any = trimesh.load(io.BytesIO(encode_glb(POINTS, COLORS)), file_type="glb")
    (cloud,) = scene.geometry.values()
    np.testing.assert_allclose(cloud.vertices, POINTS * (1, -1, -1), atol=1e-6)


def test_a_cloud_in_the_opengl_frame_is_upright_already() -> None:
    _, upright = document_of(encode_glb(POINTS, COLORS, "opengl"))
    assert np.array_equal(np.frombuffer(upright[:600], "<f4").reshape(-1, 3), POINTS)


def test_glb_colors_are_linear_light() -> None:
    _, binary = document_of(encode_glb(POINTS, COLORS))
    linear = np.frombuffer(binary[600:], "<u2").reshape(-1, 4)
    assert (linear[:, 3] == 65535).all()
    value = linear[:, :3] / 65535
    srgb = np.where(value <= 0.0031308, 12.92 * value, 1.055 * value ** (1 / 2.4) - 0.055)
    np.testing.assert_allclose(srgb * 255, COLORS, atol=0.3)


def test_glb_states_its_bounds_and_sizes() -> None:
    document, binary = document_of(encode_glb(POINTS, COLORS))
    position = document["accessors"][0]
    np.testing.assert_allclose(position["min"], (POINTS * (1, -1, -1)).min(0))
    np.testing.assert_allclose(position["max"], (POINTS * (1, -1, -1)).max(0))
    assert document["buffers"][0]["byteLength"] == len(binary) == 50 * 20
    assert document["meshes"][0]["primitives"][0]["mode"] == 0


def test_an_empty_cloud_is_a_valid_file_of_each_kind(tmp_path: Path) -> None:
    nothing = POINTS[:0], COLORS[:0]
    assert b"element vertex 0" in encode_ply(*nothing)
    document, binary = document_of(encode_glb(*nothing))
    assert "meshes" not in document
    assert binary == b""
