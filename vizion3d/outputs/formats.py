"""The table of formats: every way to write a result, one row each.

The command line's ``--save``, the REST route's ``Accept``, the clients and the web page's downloads
read this table. A row takes what :class:`Lifted` says and knows no task; a task says which rows it
offers, and shows its results as :class:`Lifted`.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from vizion3d.core.arrays import Float32Array, UInt8Array
from vizion3d.geometry.cameras import CameraIntrinsics
from vizion3d.geometry.frames import Frame, to_frame
from vizion3d.outputs import cloud_files, depth_files
from vizion3d.outputs.mesh_files import (
    MAX_VERTICES,
    Mesh,
    encode_mesh_glb,
    encode_obj,
    to_mesh,
)
from vizion3d.outputs.view import render_view


class Lifted(Protocol):
    """A lifted image, as the encoders see it: a task's result and how it was asked for.

    Arrays of the image are ``(H, W)``. Nothing is computed before an encoder asks for it.
    """

    @property
    def depth(self) -> Float32Array:
        """float32, the task's own numbers."""

    @property
    def gray(self) -> NDArray[np.uint16]:
        """The depth over the full range of 16 bits: closer = brighter for inverse depth."""

    @property
    def colored(self) -> UInt8Array:
        """uint8 ``(H, W, 3)``, the depth through a colour map."""

    @property
    def depth_m(self) -> Float32Array:
        """float32, distance along the optical axis in metres; 0 where there is none."""

    @property
    def depth_scale(self) -> float:
        """Units per metre of a 16-bit image in metres: 1000 = millimetres."""

    @property
    def shown_depth_m(self) -> Float32Array:
        """float32, metres; 0 where there is no point."""

    @property
    def rgb(self) -> UInt8Array:
        """uint8 ``(H, W, 3)``, the photo that the depth belongs to."""

    @property
    def max_points(self) -> int | None:
        """The most points, and the most vertices of a mesh; ``None``: no limit is asked for."""

    @property
    def points(self) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Points float32 ``(N, 3)`` in metres in :attr:`frame`, and RGB colours ``(N, 3)``."""

    @property
    def frame(self) -> Frame:
        """The axes of the points."""

    @property
    def intrinsics(self) -> CameraIntrinsics:
        """The camera."""

    @property
    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Everything that is an array, by name."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """Everything that is none."""


L = TypeVar("L", bound=Lifted)


@dataclass(frozen=True)
class Format(Generic[L]):
    """One way to write a result.

    Attributes:
        name: What ``--save`` calls it.
        ending: What follows the photo's name in a file's: ``photo.depth.png``.
        title: What it is, for people.
        encode: Makes the file's content.
        media_types: What ``Accept`` may name; the first is what an answer is called. Empty: it is
            not served.
        file_name: What a browser calls an answer.
        of_points: Whether it shows the points, and is empty where there are none.
        require: Raises :class:`~vizion3d.errors.MissingDependencyError` where what writes it is not
            installed.
    """

    name: str
    ending: str
    title: str
    encode: Callable[[L], bytes]
    media_types: tuple[str, ...] = ()
    file_name: str = ""
    of_points: bool = False
    require: Callable[[], object] = lambda: None


def _png(lifted: Lifted) -> bytes:
    return depth_files.encode_png(lifted.gray)


def _color(lifted: Lifted) -> bytes:
    return depth_files.encode_png(lifted.colored)


def _metric_png(lifted: Lifted) -> bytes:
    pixels = depth_files.metres_to_uint16(lifted.depth_m, lifted.depth_scale)
    return depth_files.encode_png(pixels)


def _ply(lifted: Lifted) -> bytes:
    return cloud_files.encode_ply(*lifted.points)


def _glb(lifted: Lifted) -> bytes:
    return cloud_files.encode_glb(*lifted.points, lifted.frame)


def _view(lifted: Lifted) -> bytes:
    points, colors = lifted.points
    camera_points = to_frame(points.copy(), lifted.frame)  # turning twice is turning back
    return depth_files.encode_png(render_view(camera_points, colors, lifted.intrinsics))


def _mesh_of(lifted: Lifted) -> Mesh:
    limit = min(lifted.max_points or MAX_VERTICES, MAX_VERTICES)
    return to_mesh(lifted.shown_depth_m, lifted.intrinsics, limit)


def _mesh(lifted: Lifted) -> bytes:
    return encode_mesh_glb(_mesh_of(lifted), lifted.rgb)


def _obj(lifted: Lifted) -> bytes:
    return encode_obj(_mesh_of(lifted), lifted.rgb, lifted.frame)


def _npy(lifted: Lifted) -> bytes:
    return depth_files.encode_npy(lifted.depth)


def _npz(lifted: Lifted) -> bytes:
    return depth_files.encode_npz(**lifted.arrays)


def _exr(lifted: Lifted) -> bytes:
    return depth_files.encode_exr(lifted.depth)


def _json(lifted: Lifted) -> bytes:
    return json.dumps(lifted.facts, indent=2, default=dict).encode() + b"\n"


FORMATS: tuple[Format[Lifted], ...] = (
    Format("png", ".depth.png", "16-bit depth image", _png, ("image/png",), "depth.png"),
    Format("color", ".color.png", "coloured depth", _color),
    Format("metric-png", ".metric.png", "16-bit depth in metres", _metric_png),
    Format(
        "ply",
        ".ply",
        "point cloud",
        _ply,
        ("model/ply", "application/x-ply"),
        "points.ply",
        of_points=True,
    ),
    Format(
        "glb",
        ".glb",
        "point cloud for web and Blender",
        _glb,
        ("model/gltf-binary",),
        "points.glb",
        of_points=True,
    ),
    Format(
        "mesh",
        ".mesh.glb",
        "mesh with the photo on it",
        _mesh,
        ("model/gltf-binary; content=mesh",),
        "mesh.glb",
        of_points=True,
    ),
    Format("obj", ".obj", "mesh", _obj, ("model/obj",), "mesh.obj", of_points=True),
    Format("view", ".view.png", "picture of the point cloud", _view, of_points=True),
    Format("npy", ".npy", "float32 depth", _npy, ("application/x-npy",), "depth.npy"),
    Format("npz", ".npz", "every array", _npz, ("application/x-npz",), "depth.npz"),
    Format(
        "exr",
        ".exr",
        "float32 depth for compositing",
        _exr,
        ("image/x-exr",),
        "depth.exr",
        require=depth_files.require_openexr,
    ),
    Format("json", ".json", "facts", _json),
)


def pick(names: Iterable[str]) -> tuple[Format[Lifted], ...]:
    """The rows of these names, in this order; a name that is not in the table is a ``KeyError``."""
    by_name = {row.name: row for row in FORMATS}
    return tuple(by_name[name] for name in names)


def by_media_type(formats: Iterable[Format[L]]) -> dict[str, Format[L]]:
    """Media type -> row, of the rows that are served, in their order."""
    return {media_type: row for row in formats for media_type in row.media_types}
