"""Point clouds as files.

Written here rather than with a library because the layout is the promise: PLY with float32
positions and uchar colours (half the size of what Open3D writes), GLB with colours in the linear
space that glTF prescribes.
"""

import json
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vizion3d.geometry.frames import FRAME_ROTATIONS, Frame

_PLY_VERTEX = np.dtype([("position", "<f4", 3), ("color", "u1", 3)])
_PLY_HEADER = """ply
format binary_little_endian 1.0
comment vizion3d
element vertex {count}
property float x
property float y
property float z
property uchar red
property uchar green
property uchar blue
end_header
"""

# glTF 2.0 constants (Khronos, sections 3.6.2, 3.7.2 and 4.4).
_FLOAT, _UNSIGNED_SHORT, _POINTS, _ARRAY_BUFFER = 5126, 5123, 0, 34962
_MAGIC, _JSON_CHUNK, _BINARY_CHUNK = 0x46546C67, 0x4E4F534A, 0x004E4942


def encode_ply(points: NDArray[np.float32], colors: NDArray[np.uint8]) -> bytes:
    """Points ``(N, 3)`` and RGB colours ``(N, 3)`` -> binary little-endian PLY."""
    vertices = np.empty(len(points), _PLY_VERTEX)
    vertices["position"], vertices["color"] = points, colors
    return _PLY_HEADER.format(count=len(points)).encode() + vertices.tobytes()


def encode_glb(
    points: NDArray[np.float32], colors: NDArray[np.uint8], frame: Frame = "opencv"
) -> bytes:
    """Points ``(N, 3)`` and sRGB colours ``(N, 3)`` -> binary glTF 2.0, a cloud of unlit points.

    glTF is y up and z towards the viewer: points in ``frame`` are turned into that.
    """
    upright = np.asarray(FRAME_ROTATIONS[frame]) * FRAME_ROTATIONS["opengl"]
    positions = (points * upright).astype("<f4")
    linear = np.full((len(points), 4), 65535, "<u2")
    linear[:, :3] = _SRGB_TO_LINEAR[colors]
    document = _gltf_document(positions)
    return pack_glb(document, positions.tobytes() + linear.tobytes())


def _linear_table() -> NDArray[np.uint16]:
    """sRGB value 0..255 -> linear light 0..65535 (IEC 61966-2-1)."""
    value = np.arange(256) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    table: NDArray[np.uint16] = np.rint(linear * 65535).astype(np.uint16)
    return table


_SRGB_TO_LINEAR = _linear_table()


def _gltf_document(positions: NDArray[np.float32]) -> dict[str, Any]:
    asset = {"version": "2.0", "generator": "vizion3d"}
    count = len(positions)
    if not count:  # glTF knows no empty accessor
        return {"asset": asset, "scene": 0, "scenes": [{"name": "point cloud"}]}
    position_bytes = 12 * count

    def accessor(view: int, kind: int, shape: str, **more: Any) -> dict[str, Any]:
        return {"bufferView": view, "componentType": kind, "count": count, "type": shape, **more}

    def view(offset: int, length: int, stride: int) -> dict[str, int]:
        return {
            "buffer": 0,
            "byteOffset": offset,
            "byteLength": length,
            "byteStride": stride,
            "target": _ARRAY_BUFFER,
        }

    bounds = {"min": positions.min(0).tolist(), "max": positions.max(0).tolist()}
    attributes = {"POSITION": 0, "COLOR_0": 1}
    return {
        "asset": asset,
        "extensionsUsed": ["KHR_materials_unlit"],
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"name": "point cloud", "mesh": 0}],
        "meshes": [{"primitives": [{"attributes": attributes, "mode": _POINTS, "material": 0}]}],
        "materials": [{"extensions": {"KHR_materials_unlit": {}}}],
        "accessors": [
            accessor(0, _FLOAT, "VEC3", **bounds),
            accessor(1, _UNSIGNED_SHORT, "VEC4", normalized=True),
        ],
        "bufferViews": [view(0, position_bytes, 12), view(position_bytes, 8 * count, 8)],
        "buffers": [{"byteLength": 20 * count}],
    }


def pack_glb(document: dict[str, Any], binary: bytes) -> bytes:
    """A glTF document and its one buffer -> a GLB file."""
    text = json.dumps(document, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<II", len(text), _JSON_CHUNK) + text
    if binary:
        chunks += struct.pack("<II", len(binary), _BINARY_CHUNK) + binary
    return struct.pack("<III", _MAGIC, 2, 12 + len(chunks)) + chunks
