"""COLMAP models: which points of a scene each photo sees, at which depth.

The text form (``cameras.txt``, ``images.txt``, ``points3D.txt``) is read here; the binary form by
pycolmap, where it is installed, which writes it as text first. The formats are COLMAP's own
(https://colmap.github.io/format.html).
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vizion3d.errors import InvalidConfigError, MissingDependencyError

Array = NDArray[np.float64]

_FILES = ("cameras.txt", "images.txt", "points3D.txt")
_BINARY = ("cameras.bin", "images.bin", "points3D.bin")

CAMERA_MODELS: dict[str, tuple[str, ...]] = {
    "SIMPLE_PINHOLE": ("f", "cx", "cy"),
    "PINHOLE": ("fx", "fy", "cx", "cy"),
    "SIMPLE_RADIAL": ("f", "cx", "cy", "k1"),
    "RADIAL": ("f", "cx", "cy", "k1", "k2"),
    "OPENCV": ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2"),
    "OPENCV_FISHEYE": ("fx", "fy", "cx", "cy", "k1", "k2", "k3", "k4"),
    "FULL_OPENCV": ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6"),
}
"""Name -> its parameters. Others are read as far as the focal length goes."""


@dataclass(frozen=True)
class ColmapCamera:
    """A camera.

    Attributes:
        model: COLMAP's name.
        width_px, height_px: Of its photos.
        parameters: By name; COLMAP's pixels: the first one's centre is at (0.5, 0.5).
    """

    model: str
    width_px: int
    height_px: int
    parameters: dict[str, float]


@dataclass(frozen=True, eq=False)
class ColmapImage:
    """A photo of the model.

    Attributes:
        name: Path of the photo, relative to the folder of photos.
        camera: What took it.
        camera_to_world: ``(4, 4)``; the camera's axes are x right, y down, z forward.
        points: Rows ``(u, v, depth)`` of the points it sees, pixels with the first one's centre at
            (0, 0), depth along the optical axis in the model's unit; ``(N, 3)``.
    """

    name: str
    camera: ColmapCamera
    camera_to_world: Array
    points: Array


def read_colmap(folder: Path) -> list[ColmapImage]:
    """Read a model, the images by their names.

    Raises:
        InvalidConfigError: The folder is no COLMAP model, or a file of it is damaged; the message
            names file and line.
        MissingDependencyError: It is in the binary form, and pycolmap is not installed.
    """
    if all((folder / name).is_file() for name in _FILES):
        return _read_text(folder)
    if not all((folder / name).is_file() for name in _BINARY):
        raise InvalidConfigError(
            f"{folder} is no COLMAP model: it needs {', '.join(_FILES)} or {', '.join(_BINARY)} "
            "(often in sparse/0)"
        )
    try:
        import pycolmap
    except ImportError as error:
        raise MissingDependencyError(
            f"{folder} is a binary COLMAP model: install pycolmap, or write it as text with "
            "'colmap model_converter --output_type TXT'"
        ) from error
    with tempfile.TemporaryDirectory() as text:
        try:
            pycolmap.Reconstruction(str(folder)).write_text(text)
        # What pycolmap raises is the C++ library's own.
        except Exception as error:
            raise InvalidConfigError(f"{folder} cannot be read by pycolmap: {error}") from error
        return _read_text(Path(text))


def _read_text(folder: Path) -> list[ColmapImage]:
    cameras = dict(_cameras(folder / "cameras.txt"))
    ids, positions = _points(folder / "points3D.txt")
    images = [_image(*rows, cameras, ids, positions) for rows in _images(folder / "images.txt")]
    if not images:
        raise InvalidConfigError(f"{folder} has no image in it")
    return sorted(images, key=lambda image: image.name)


@dataclass(frozen=True)
class _Line:
    """A line that is no comment, and where it is."""

    path: Path
    number: int
    text: str

    def fault(self, what: str) -> InvalidConfigError:
        return InvalidConfigError(f"{self.path}, line {self.number}: {what}: {self.text[:80]!r}")


def _lines(path: Path) -> Iterator[_Line]:
    try:
        with path.open(encoding="utf-8") as stream:
            for number, text in enumerate(stream, 1):
                if not text.startswith("#"):
                    yield _Line(path, number, text.rstrip("\r\n"))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidConfigError(f"{path} cannot be read as text: {error}") from error


def _cameras(path: Path) -> Iterator[tuple[int, ColmapCamera]]:
    for line in _lines(path):
        parts = line.text.split()
        if not parts:
            continue
        try:
            number, model, width, height = int(parts[0]), parts[1], int(parts[2]), int(parts[3])
            values = [float(part) for part in parts[4:]]
        except (ValueError, IndexError) as error:
            raise line.fault("not CAMERA_ID MODEL WIDTH HEIGHT PARAMS") from error
        names = CAMERA_MODELS.get(model)
        if names is None:
            raise line.fault(f"the camera model is none of {', '.join(CAMERA_MODELS)}")
        if len(values) != len(names) or not np.isfinite(values).all() or min(width, height) < 1:
            raise line.fault(f"{model} has {len(names)} finite parameters")
        yield number, ColmapCamera(model, width, height, dict(zip(names, values, strict=True)))


def _points(path: Path) -> tuple[NDArray[np.int64], Array]:
    """Numbers of the points, sorted, and their positions ``(N, 3)``."""
    numbers, positions = [], []
    for line in _lines(path):
        parts = line.text.split(maxsplit=4)
        if not parts:
            continue
        try:
            numbers.append(int(parts[0]))
            positions.append((float(parts[1]), float(parts[2]), float(parts[3])))
        except (ValueError, IndexError, OverflowError) as error:
            raise line.fault("not POINT3D_ID X Y Z ...") from error
    try:
        ids = np.array(numbers, np.int64)
    except OverflowError as error:
        raise InvalidConfigError(f"{path}: a number of a point is too large") from error
    order = np.argsort(ids)
    return ids[order], np.array(positions, np.float64).reshape(-1, 3)[order]


def _images(path: Path) -> Iterator[tuple[_Line, _Line]]:
    """The two lines of every image; the second, its points, may be empty."""
    first: _Line | None = None
    for line in _lines(path):
        if first is None:
            first = line if line.text.strip() else None
        else:
            yield first, line
            first = None
    if first is not None:
        raise first.fault("the line with this image's points is missing")


def _image(
    head: _Line,
    tail: _Line,
    cameras: dict[int, ColmapCamera],
    ids: NDArray[np.int64],
    positions: Array,
) -> ColmapImage:
    parts = head.text.split(maxsplit=9)
    try:
        quaternion = np.array([float(part) for part in parts[1:5]])
        translation = np.array([float(part) for part in parts[5:8]])
        camera, name = cameras[int(parts[8])], parts[9].strip()
    except (ValueError, IndexError, KeyError) as error:
        raise head.fault("not IMAGE_ID QW QX QY QZ TX TY TZ CAMERA_ID NAME of a camera") from error
    length = float(np.linalg.norm(quaternion))
    if not (np.isfinite(translation).all() and 0.5 < length < 2):
        raise head.fault("the pose is not one")
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise head.fault("the photo's path leads out of its folder")
    rotation = _rotation(quaternion / length)
    try:
        seen = np.array(tail.text.split(), np.float64).reshape(-1, 3)
    except ValueError as error:
        raise tail.fault("not X Y POINT3D_ID ...") from error
    points = _seen(seen, ids, positions @ rotation.T + translation)
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = rotation.T, -rotation.T @ translation
    return ColmapImage(name, camera, pose, points)


def _rotation(q: Array) -> Array:
    """The rotation of a unit quaternion (w, x, y, z), from the world to the camera."""
    w, x, y, z = q.tolist()
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def _seen(seen: Array, ids: NDArray[np.int64], in_camera: Array) -> Array:
    """Rows ``(u, v, depth)`` of the points in front of the camera that the model knows."""
    seen = seen[np.isfinite(seen).all(axis=1) & (seen[:, 2] >= 0)]
    if not len(ids):
        return np.empty((0, 3))
    where = np.minimum(np.searchsorted(ids, seen[:, 2]), len(ids) - 1)
    depth = in_camera[where, 2]
    known = (ids[where] == seen[:, 2]) & (depth > 0)
    return np.column_stack((seen[known, :2] - 0.5, depth[known]))
