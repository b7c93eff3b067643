"""The calibration files that people have: Middlebury, OpenCV, ROS, Kalibr, and a plain matrix.

Which of them a file is shows in its content. Lengths are millimetres where the format says so or
the file has a ``unit``; metres in ROS and Kalibr files, whose formats say that; otherwise OpenCV's
translation is in whatever unit the checkerboard's squares were given in, and it is told from its
size where that leaves no doubt.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias
from xml.etree import ElementTree

import numpy as np
import yaml

from vizion3d.errors import InvalidConfigError
from vizion3d.geometry.calibration import (
    CalibratedCamera,
    Matrix,
    StereoCalibration,
    from_extrinsics,
    side_by_side,
)

CalibrationInput: TypeAlias = str | os.PathLike[str] | bytes

MAX_BYTES = 1_000_000
LENGTH_UNITS_MM = {"mm": 1.0, "millimetres": 1.0, "cm": 10.0, "m": 1000.0, "metres": 1000.0}
_SURELY_METRES, _SURELY_MM = 2.0, 20.0
"""A baseline below the one is taken for metres, above the other for millimetres."""

# The names under which people store the same things, in lower case.
_MATRIX = ("cameramatrix", "camera_matrix", "k", "m", "cm", "intrinsics")
_DISTORTION = ("distcoeffs", "dist_coeffs", "distortion_coefficients", "dist_coeff", "d", "dist")
_WIDTH = ("image_width", "imagewidth", "width", "image_w")
_HEIGHT = ("image_height", "imageheight", "height", "image_h")
_SIZE = ("imagesize", "image_size", "img_size", "size", "resolution")
_MATRIX_ROW = re.compile(r"^\s*(\w+)\s*=\s*(.+?)\s*$", re.MULTILINE)
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"


def read_camera(source: CalibrationInput) -> CalibratedCamera:
    """One camera's matrix, distortion and image size.

    Args:
        source: Path, or the file's content: OpenCV YAML or XML, ROS ``camera_info`` YAML, Kalibr
            YAML (its first camera), Middlebury ``calib.txt`` (its left one), or the nine numbers of
            a camera matrix.

    Raises:
        InvalidConfigError: It cannot be read, or does not tell the camera.
    """
    name, text = _text(source)
    fields = _fields(text, name)
    if fields is None:
        return _camera_from_numbers(text, name)
    if "cam0" in fields:
        return _one_of_several(fields, name)[0]
    return _camera(fields, name, ("", "1", "_left", "_1", "l"))


def read_stereo(
    source: CalibrationInput,
    right: CalibrationInput | None = None,
    unit: str | None = None,
) -> StereoCalibration:
    """A pair of cameras.

    Args:
        source: Path, or the file's content: Middlebury ``calib.txt``; OpenCV YAML or XML with K1,
            D1, K2, D2, R, T, or with P1 and P2, or with Q; Kalibr YAML with two cameras; a camera
            matrix of nine numbers with a line that tells the baseline; or the left camera's ROS
            ``camera_info`` YAML.
        right: The right camera's ROS ``camera_info``.
        unit: Of the lengths in the file: ``"mm"``, ``"cm"`` or ``"m"``; ``None``: as the format or
            the file says, see :mod:`vizion3d.geometry.calibration_files`.

    Raises:
        InvalidConfigError: It cannot be read, or does not tell how the cameras stand, or in which
            unit.
    """
    name, text = _text(source)
    fields = _fields(text, name)
    if right is not None:
        other_name, other_text = _text(right)
        other = _fields(other_text, other_name)
        if fields is None or other is None:
            raise InvalidConfigError(
                f"{name} and {other_name}: two files are read as ROS camera_info, and one is not"
            )
        return _ros_pair(fields, other, f"{name} and {other_name}", unit)
    if fields is None:
        return _matrix_and_baseline(text, name, unit)
    unit = unit or _told_unit(fields, name)
    if "cam0" in fields:
        cameras = _one_of_several(fields, name)
        if "baseline" in fields:
            baseline_mm = _number(fields["baseline"], "baseline", name) * _unit_mm(unit or "mm")
            return side_by_side(*cameras, baseline_mm, name)
        placed = fields["cam1"].get("t_cn_cnm1")
        if placed is None:
            raise InvalidConfigError(f"{name}: its cam1 has no T_cn_cnm1, so no baseline")
        transform = _matrix(placed, (4, 4), "T_cn_cnm1", name)
        shift = transform[:3, 3] * _unit_mm(unit or "m")
        return from_extrinsics(*cameras, transform[:3, :3], shift, name)
    return _opencv_pair(fields, name, unit)


def _text(source: CalibrationInput) -> tuple[str, str]:
    """What to call a calibration, and its text."""
    if isinstance(source, bytes):
        name, content = "the calibration", source
    else:
        path = Path(source)
        name = path.name
        try:
            with path.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise InvalidConfigError(
                f"the calibration {path} cannot be read: {error.strerror or error}"
            ) from error
    if len(content) > MAX_BYTES:
        raise InvalidConfigError(f"{name} is larger than {MAX_BYTES:,} bytes; it is no calibration")
    try:
        return name, content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidConfigError(f"{name} is not a text file, so no calibration") from error


def _fields(text: str, name: str) -> dict[str, Any] | None:
    """Field -> value, names in lower case; ``None``: bare numbers."""
    stripped = text.lstrip()
    if stripped.startswith("<"):
        return _xml_fields(stripped, name)
    if re.search(r"^\s*cam0\s*=", text, re.MULTILINE):
        return _middlebury_fields(text, name)
    if re.fullmatch(rf"[\s\[\],;]*(?:{_NUMBER}[\s\[\],;]*)+(?:#.*)?", text) or re.search(
        r"^\s*baseline(_mm|_m)?\s*[:=]", text, re.MULTILINE | re.IGNORECASE
    ):
        return None
    try:
        loaded = yaml.load(re.sub(r"\A%YAML:1\.0", "", stripped), _Loader)  # noqa: S506 (a SafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError, TypeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InvalidConfigError(f"{name} is no calibration that can be read: {reason}") from error
    if not isinstance(loaded, Mapping):
        raise InvalidConfigError(
            f"{name} is no calibration: neither Middlebury, OpenCV, ROS or Kalibr fields nor a "
            "matrix of nine numbers"
        )
    return _lower(loaded)


def _lower(fields: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        str(key).lower(): _lower(value) if isinstance(value, Mapping) else value
        for key, value in fields.items()
    }


class _Loader(yaml.SafeLoader):
    """Safe YAML, and OpenCV's matrices in it; no aliases, whose expansion has no bounds."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError("it has aliases (*name), which calibrations do not need")
        return super().compose_node(parent, index)


def _opencv_matrix(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    if not isinstance(node, yaml.MappingNode):
        raise yaml.YAMLError("an opencv-matrix is a mapping")
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor("tag:yaml.org,2002:opencv-matrix", _opencv_matrix)


def _xml_fields(text: str, name: str) -> dict[str, Any]:
    if "<!" in re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL):
        raise InvalidConfigError(f"{name}: XML with a DOCTYPE or entities is not read")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 (nothing is declared in it, see above)
    except ElementTree.ParseError as error:
        raise InvalidConfigError(f"{name} is damaged XML: {error}") from error

    def value(node: ElementTree.Element) -> Any:
        if len(node):
            return {child.tag.lower(): value(child) for child in node}
        content = (node.text or "").strip()
        numbers = content.split()
        return content if len(numbers) == 1 else numbers

    return {child.tag.lower(): value(child) for child in root}


def _middlebury_fields(text: str, name: str) -> dict[str, Any]:
    found = {key.lower(): value for key, value in _MATRIX_ROW.findall(text)}
    size = {key: found[key] for key in ("width", "height") if key in found}
    for camera in ("cam0", "cam1"):
        if camera not in found:
            raise InvalidConfigError(f"{name} has no line {camera}=[...]")
        found[camera] = {"k": re.findall(_NUMBER, found[camera]), **size}
    return found


def _one_of_several(
    fields: Mapping[str, Any], name: str
) -> tuple[CalibratedCamera, CalibratedCamera]:
    """Middlebury's or Kalibr's ``cam0`` and ``cam1``; one alone is both."""
    first = fields["cam0"]
    second = fields.get("cam1", first)
    if not isinstance(first, Mapping) or not isinstance(second, Mapping):
        raise InvalidConfigError(f"{name}: cam0 and cam1 must have fields")
    return _camera(first, name), _camera(second, name)


def _find(fields: Mapping[str, Any], names: Sequence[str], endings: Sequence[str] = ("",)) -> Any:
    for ending in endings:
        for stem in names:
            if stem + ending in fields:
                return fields[stem + ending]
    return None


def _camera(
    fields: Mapping[str, Any], name: str, endings: Sequence[str] = ("",)
) -> CalibratedCamera:
    values = _find(fields, _MATRIX, endings)
    if values is None:
        raise InvalidConfigError(
            f"{name} has no camera matrix (camera_matrix, K, K1 ...); it has "
            f"{', '.join(sorted(fields)[:12]) or 'nothing'}"
        )
    numbers = _numbers(values, "camera matrix", name)
    if numbers.size == 4:  # Kalibr: fx, fy, cx, cy
        fx, fy, cx, cy = numbers
        numbers = np.array([fx, 0, cx, 0, fy, cy, 0, 0, 1])
    matrix = _matrix(numbers, (3, 3), "camera matrix", name)
    lens = _find(fields, _DISTORTION, endings)
    if lens is None:
        lens = fields.get("distortion_coeffs")
    model = str(fields.get("distortion_model", "")).lower()
    if str(fields.get("camera_model", "pinhole")).lower() not in ("pinhole", "none", ""):
        raise InvalidConfigError(
            f"{name}: camera model {fields['camera_model']!r} is not read; calibrate as pinhole"
        )
    width, height = _size(fields, name)
    return CalibratedCamera(
        matrix,
        np.zeros(0) if lens is None else _numbers(lens, "distortion", name),
        model in ("equidistant", "fisheye", "equi"),
        width,
        height,
    )


def _size(fields: Mapping[str, Any], name: str) -> tuple[int | None, int | None]:
    both = _find(fields, _SIZE)
    width, height = _find(fields, _WIDTH), _find(fields, _HEIGHT)
    if both is not None:
        width, height = _matrix(both, (2,), "image size", name)
    if width is None or height is None:
        return None, None
    sides = [_number(side, "image size", name) for side in (width, height)]
    if not all(side == int(side) and 0 < side < 1e6 for side in sides):
        raise InvalidConfigError(f"{name}: an image of {sides[0]:g} x {sides[1]:g} pixels")
    return int(sides[0]), int(sides[1])


def _camera_from_numbers(text: str, name: str) -> CalibratedCamera:
    numbers = [float(number) for number in re.findall(_NUMBER, _without_baseline(text))]
    if len(numbers) < 9:
        raise InvalidConfigError(
            f"{name} has {len(numbers)} numbers; a camera matrix has nine, row by row"
        )
    return CalibratedCamera(np.reshape(numbers[:9], (3, 3)), np.zeros(0))


def _without_baseline(text: str) -> str:
    """The text's lines without comments and the one that names the baseline."""
    lines = (line.split("#")[0] for line in text.splitlines())
    return "\n".join(line for line in lines if "baseline" not in line.lower())


_BASELINE_LINE = re.compile(
    rf"baseline(?P<in>_mm|_m|_cm)?\s*[:=]\s*(?P<value>{_NUMBER})\s*(?P<unit>[a-z]+)?", re.IGNORECASE
)


def _matrix_and_baseline(text: str, name: str, unit: str | None) -> StereoCalibration:
    """``[fx 0 cx; 0 fy cy; 0 0 1]``, then the baseline: a tenth number, or a line that names it."""
    camera = _camera_from_numbers(text, name)
    named = _BASELINE_LINE.search(text)
    if named:
        length = float(named["value"])
        unit = unit or (named["in"] or "").strip("_") or named["unit"]
    else:
        rest = re.findall(_NUMBER, _without_baseline(text))[9:]
        if len(rest) != 1:
            raise InvalidConfigError(
                f"{name} has a camera matrix but no baseline; add a line such as 'baseline: 120 mm'"
            )
        length = float(rest[0])
    return side_by_side(camera, camera, length * _length_mm(length, unit, name), name)


def _ros_pair(
    first: Mapping[str, Any], second: Mapping[str, Any], name: str, unit: str | None
) -> StereoCalibration:
    """Two ROS ``camera_info`` (sensor_msgs/CameraInfo): P of the right one has -fx B, in metres."""
    left, right = (
        _placed(
            _camera(fields, name),
            _find(fields, ("rectification_matrix", "r")),
            _find(fields, ("projection_matrix", "p")),
            _unit_mm(unit or "m"),
            name,
        )
        for fields in (first, second)
    )
    return StereoCalibration(left, right, name)


def _placed(
    camera: CalibratedCamera, rotation: Any, projection: Any, unit_mm: float, name: str
) -> CalibratedCamera:
    if projection is None:
        raise InvalidConfigError(f"{name} has no projection matrix, so no baseline")
    matrix = _matrix(projection, (3, 4), "projection matrix", name)
    matrix[:, 3] *= unit_mm
    turn = None if rotation is None else _matrix(rotation, (3, 3), "rectification matrix", name)
    return replace(camera, rotation=turn, projection=matrix)


def _opencv_pair(fields: Mapping[str, Any], name: str, unit: str | None) -> StereoCalibration:
    size = _size(fields, name)
    if "r" in fields and "t" in fields:
        left = _camera(fields, name, ("1", "_left", "_1", "l"))
        right = _camera(fields, name, ("2", "_right", "_2", "r"))
        shift = _matrix(fields["t"], (3,), "T", name)
        length = float(np.linalg.norm(shift))
        rotation = _rotation(fields["r"], name)
        return from_extrinsics(left, right, rotation, shift * _length_mm(length, unit, name), name)
    if "p1" in fields and "p2" in fields:
        placed = []
        for number in "12":
            projection = _matrix(fields[f"p{number}"], (3, 4), f"P{number}", name)
            if "r" + number in fields and _find(fields, _MATRIX, (number,)) is not None:
                camera = _camera(fields, name, (number,))
            else:  # the photos are rectified already
                camera = CalibratedCamera(projection[:, :3].copy(), np.zeros(0), False, *size)
            placed.append((camera, fields.get(f"r{number}"), projection))
        last = placed[1][2]
        length = float(abs(last[0, 3] / last[0, 0])) if last[0, 0] else 0.0
        factor = _length_mm(length, unit, name)
        left, right = (_placed(*each, factor, name) for each in placed)
        return StereoCalibration(left, right, name)
    if "q" in fields:
        return _from_q(_matrix(fields["q"], (4, 4), "Q", name), size, name, unit)
    raise InvalidConfigError(
        f"{name} does not tell how the cameras stand: it needs K1, D1, K2, D2, R and T, or P1 and "
        f"P2, or Q (or cam0, cam1 and baseline); it has {', '.join(sorted(fields)[:12])}"
    )


def _rotation(values: Any, name: str) -> Matrix:
    """R as a matrix or as a rotation vector."""
    numbers = _numbers(values, "R", name)
    if numbers.size == 3:
        import cv2

        return np.asarray(cv2.Rodrigues(numbers)[0], np.float64)
    return _matrix(numbers, (3, 3), "R", name)


def _from_q(
    q: Matrix, size: tuple[int | None, int | None], name: str, unit: str | None
) -> StereoCalibration:
    """A pair by OpenCV's matrix from disparity to depth.

    Q = [1 0 0 -cx; 0 1 0 -cy; 0 0 0 f; 0 0 -1/Tx (cx - cx')/Tx].
    """
    focal_px, inverse = q[2, 3], q[3, 2]
    if focal_px <= 0 or inverse == 0:
        raise InvalidConfigError(f"{name}: Q has no focal length or no baseline")
    cx, cy = -q[0, 3], -q[1, 3]
    right_cx = cx + q[3, 3] / inverse
    left, right = (
        CalibratedCamera(
            np.array([[focal_px, 0, x], [0, focal_px, cy], [0, 0, 1]]), np.zeros(0), False, *size
        )
        for x in (cx, right_cx)
    )
    length = 1 / inverse
    return side_by_side(left, right, length * _length_mm(abs(length), unit, name), name)


def _told_unit(fields: Mapping[str, Any], name: str) -> str | None:
    told = _find(fields, ("unit", "units", "length_unit", "baseline_unit"))
    if told is not None:
        _unit_mm(str(told), name)
    return None if told is None else str(told).lower()


def _unit_mm(unit: str, name: str = "unit") -> float:
    try:
        return LENGTH_UNITS_MM[unit.lower()]
    except KeyError:
        raise InvalidConfigError(f"{name}: lengths in {unit!r}; it must be mm, cm or m") from None


def _length_mm(length: float, unit: str | None, name: str) -> float:
    """Millimetres for each unit that a length was given in."""
    if unit is not None:
        return _unit_mm(unit, name)
    if abs(length) < _SURELY_METRES:
        return 1000.0
    if abs(length) > _SURELY_MM:
        return 1.0
    raise InvalidConfigError(
        f"{name}: a baseline of {abs(length):g} may be millimetres, centimetres or metres; say it "
        "with a line 'unit: mm' (cm, m) in the file, or give the baseline yourself"
    )


def _number(value: Any, what: str, name: str) -> float:
    return float(_matrix([value], (1,), what, name)[0])


def _numbers(values: Any, what: str, name: str) -> Matrix:
    """A list, nested lists, or an OpenCV matrix ``{rows, cols, dt, data}``, flat."""
    if isinstance(values, Mapping):
        values = values.get("data")
    try:
        numbers = np.asarray(values, np.float64).ravel()
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidConfigError(f"{name}: {what} is not numbers: {str(values)[:80]!r}") from error
    if not np.isfinite(numbers).all() or np.abs(numbers).max(initial=0) > 1e12:
        raise InvalidConfigError(f"{name}: {what} is not finite: {str(values)[:80]}")
    return numbers


def _matrix(values: Any, shape: tuple[int, ...], what: str, name: str) -> Matrix:
    numbers = _numbers(values, what, name)
    if numbers.size != np.prod(shape):
        wanted = " x ".join(map(str, shape))
        raise InvalidConfigError(f"{name}: {what} is {wanted} numbers, got {numbers.size}")
    return numbers.reshape(shape)


def write_stereo(calibration: StereoCalibration) -> bytes:
    """A pair as OpenCV's YAML, which :func:`read_stereo` reads back to the same numbers."""
    lines = ["%YAML:1.0", "---", "unit: mm"]
    width, height = calibration.left.width_px, calibration.left.height_px
    if width is not None and height is not None:
        lines += [f"image_width: {width}", f"image_height: {height}"]
    if calibration.left.fisheye:
        lines.append("distortion_model: equidistant")
    for number, camera in (("1", calibration.left), ("2", calibration.right)):
        assert camera.projection is not None
        rotation = np.eye(3) if camera.rotation is None else camera.rotation
        for name, values in (
            ("K", camera.matrix),
            ("D", camera.distortion.reshape(1, -1)),
            ("R", rotation),
            ("P", camera.projection),
        ):
            data = ", ".join(repr(float(value)) for value in values.ravel())
            lines += [
                f"{name}{number}: !!opencv-matrix",
                f"   rows: {values.shape[0]}",
                f"   cols: {values.shape[1]}",
                "   dt: d",
                f"   data: [ {data} ]",
            ]
    return "\n".join([*lines, ""]).encode()
