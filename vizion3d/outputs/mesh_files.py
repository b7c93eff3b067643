"""Depth images as surfaces: the pixels' grid as triangles, cut where depth jumps."""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vizion3d.core.arrays import Float32Array, UInt8Array
from vizion3d.geometry.cameras import CameraIntrinsics
from vizion3d.geometry.frames import FRAME_ROTATIONS, Frame
from vizion3d.geometry.projection import FLYING_PIXEL_THRESHOLD, unproject
from vizion3d.outputs.cloud_files import pack_glb

MAX_VERTICES = 1_000_000
"""A larger image becomes every second, third ... pixel."""

_LARGEST_JUMP = 0.2
_TEXTURE_SIDE_PX = 4096

# glTF 2.0 constants (Khronos, sections 3.6.2, 3.7.2 and 4.4).
_FLOAT, _UNSIGNED_INT, _TRIANGLES = 5126, 5125, 4
_ARRAY_BUFFER, _INDEX_BUFFER = 34962, 34963


@dataclass(frozen=True)
class Mesh:
    """A surface; its front faces the camera.

    Attributes:
        vertices: float32 ``(N, 3)``, metres, camera axes (x right, y down, z forward).
        faces: uint32 ``(M, 3)``, anticlockwise as the camera sees them.
        pixels: int ``(N, 2)``, row and column of each vertex.
    """

    vertices: NDArray[np.float32]
    faces: NDArray[np.uint32]
    pixels: NDArray[np.intp]


def to_mesh(
    depth_m: Float32Array, intrinsics: CameraIntrinsics, max_vertices: int = MAX_VERTICES
) -> Mesh:
    """Two triangles for each square of neighbouring pixels, none across a jump in depth.

    Args:
        depth_m: float32 ``(H, W)``, metres; 0: no point.
        intrinsics: The camera, for images of that size.
        max_vertices: Pixels that are taken, at most.
    """
    step = max(1, int(np.ceil(np.sqrt(depth_m.size / max_vertices))))
    grid = depth_m[::step, ::step]
    corners = np.arange(grid.size).reshape(grid.shape)
    top_left, top_right = corners[:-1, :-1].ravel(), corners[:-1, 1:].ravel()
    low_left, low_right = corners[1:, :-1].ravel(), corners[1:, 1:].ravel()
    faces = np.concatenate(
        (
            np.stack((top_left, low_left, top_right), axis=1),
            np.stack((top_right, low_left, low_right), axis=1),
        )
    )
    depths = grid.ravel()[faces]
    nearest, farthest = depths.min(axis=1), depths.max(axis=1)
    jump = min(_LARGEST_JUMP, FLYING_PIXEL_THRESHOLD * step)
    faces = faces[(nearest > 0) & (farthest - nearest <= jump * nearest)]
    used, numbered = np.unique(faces, return_inverse=True)
    rows, columns = (index * step for index in np.divmod(used, grid.shape[1]))
    points = unproject(depth_m, intrinsics)[rows, columns].astype(np.float32)
    return Mesh(
        points,
        numbered.reshape(-1, 3).astype(np.uint32),
        np.stack((rows, columns), axis=1),
    )


def encode_obj(mesh: Mesh, rgb: UInt8Array, frame: Frame = "opencv") -> bytes:
    """A mesh -> Wavefront OBJ with a colour for each vertex."""
    vertices = mesh.vertices * np.asarray(FRAME_ROTATIONS[frame], np.float32)
    colors = rgb[mesh.pixels[:, 0], mesh.pixels[:, 1]] / 255
    corners = _lines("v %.5g %.5g %.5g %.3f %.3f %.3f\n", np.hstack((vertices, colors)))
    triangles = _lines("f %d %d %d\n", mesh.faces + 1)
    return f"# vizion3d\n{corners}{triangles}".encode()


def _lines(line: str, rows: NDArray[np.generic]) -> str:
    """Each row in the form of ``line``; several times faster than ``numpy.savetxt``."""
    return (line * len(rows)) % tuple(rows.ravel().tolist())


def encode_mesh_glb(mesh: Mesh, rgb: UInt8Array) -> bytes:
    """A mesh -> binary glTF 2.0, unlit, with the photo as its texture."""
    if not len(mesh.faces):  # glTF knows no empty accessor
        asset = {"version": "2.0", "generator": "vizion3d"}
        return pack_glb({"asset": asset, "scene": 0, "scenes": [{"name": "mesh"}]}, b"")
    upright = np.asarray(FRAME_ROTATIONS["opengl"], np.float32)  # y up, z towards the viewer
    positions = (mesh.vertices * upright).astype("<f4")
    size = np.array(rgb.shape[:2])
    texture = ((mesh.pixels + 0.5) / size)[:, ::-1].astype("<f4")
    parts = [positions.tobytes(), texture.tobytes(), mesh.faces.astype("<u4").tobytes(), _jpeg(rgb)]
    padded = [part + bytes(-len(part) % 4) for part in parts]
    return pack_glb(_document(mesh, positions, parts, padded), b"".join(padded))


def _document(
    mesh: Mesh, positions: NDArray[np.float32], parts: list[bytes], padded: list[bytes]
) -> dict[str, Any]:
    offsets = np.cumsum([0, *(len(part) for part in padded)]).tolist()
    targets = (_ARRAY_BUFFER, _ARRAY_BUFFER, _INDEX_BUFFER, None)
    views = [
        {"buffer": 0, "byteOffset": offset, "byteLength": len(part)}
        | ({"target": target} if target else {})
        for part, offset, target in zip(parts, offsets[:-1], targets, strict=True)
    ]
    count = len(positions)
    bounds = {"min": positions.min(0).tolist(), "max": positions.max(0).tolist()}
    attributes = {"POSITION": 0, "TEXCOORD_0": 1}
    primitive = {"attributes": attributes, "indices": 2, "mode": _TRIANGLES, "material": 0}
    return {
        "asset": {"version": "2.0", "generator": "vizion3d"},
        "extensionsUsed": ["KHR_materials_unlit"],
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"name": "mesh", "mesh": 0}],
        "meshes": [{"primitives": [primitive]}],
        "materials": [
            {
                "pbrMetallicRoughness": {"baseColorTexture": {"index": 0}, "metallicFactor": 0},
                "doubleSided": True,
                "extensions": {"KHR_materials_unlit": {}},
            }
        ],
        "textures": [{"source": 0}],
        "images": [{"bufferView": 3, "mimeType": "image/jpeg"}],
        "accessors": [
            {"bufferView": 0, "componentType": _FLOAT, "count": count, "type": "VEC3", **bounds},
            {"bufferView": 1, "componentType": _FLOAT, "count": count, "type": "VEC2"},
            {
                "bufferView": 2,
                "componentType": _UNSIGNED_INT,
                "count": mesh.faces.size,
                "type": "SCALAR",
            },
        ],
        "bufferViews": views,
        "buffers": [{"byteLength": offsets[-1]}],
    }


def _jpeg(rgb: UInt8Array) -> bytes:
    from PIL import Image

    photo = Image.fromarray(rgb)
    photo.thumbnail((_TEXTURE_SIDE_PX, _TEXTURE_SIDE_PX))
    buffer = io.BytesIO()
    photo.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()
