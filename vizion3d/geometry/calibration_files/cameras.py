"""One camera of a calibration file."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vizion3d.errors import InvalidConfigError
from vizion3d.geometry.calibration import CalibratedCamera
from vizion3d.geometry.calibration_files.numbers import (
    NUMBER,
    find,
    matrix_of,
    number_of,
    numbers_of,
)

# The names under which people store the same things, in lower case.
MATRIX = ("cameramatrix", "camera_matrix", "k", "m", "cm", "intrinsics")
_DISTORTION = ("distcoeffs", "dist_coeffs", "distortion_coefficients", "dist_coeff", "d", "dist")
_WIDTH = ("image_width", "imagewidth", "width", "image_w")
_HEIGHT = ("image_height", "imageheight", "height", "image_h")
_SIZE = ("imagesize", "image_size", "img_size", "size", "resolution")


def first_two(fields: Mapping[str, Any], name: str) -> tuple[CalibratedCamera, CalibratedCamera]:
    """Middlebury's or Kalibr's ``cam0`` and ``cam1``; one alone is both."""
    first = fields["cam0"]
    second = fields.get("cam1", first)
    if not isinstance(first, Mapping) or not isinstance(second, Mapping):
        raise InvalidConfigError(f"{name}: cam0 and cam1 must have fields")
    return camera_of(first, name), camera_of(second, name)


def camera_of(
    fields: Mapping[str, Any], name: str, endings: Sequence[str] = ("",)
) -> CalibratedCamera:
    """Matrix, distortion and size from fields whose names have one of ``endings``.

    Raises:
        InvalidConfigError: There is no matrix, or one of a lens that is no pinhole.
    """
    values = find(fields, MATRIX, endings)
    if values is None:
        raise InvalidConfigError(
            f"{name} has no camera matrix (camera_matrix, K, K1 ...); it has "
            f"{', '.join(sorted(fields)[:12]) or 'nothing'}"
        )
    numbers = numbers_of(values, "camera matrix", name)
    if numbers.size == 4:  # Kalibr: fx, fy, cx, cy
        fx, fy, cx, cy = numbers
        numbers = np.array([fx, 0, cx, 0, fy, cy, 0, 0, 1])
    matrix = matrix_of(numbers, (3, 3), "camera matrix", name)
    lens = find(fields, _DISTORTION, endings)
    if lens is None:
        lens = fields.get("distortion_coeffs")
    model = str(fields.get("distortion_model", "")).lower()
    if str(fields.get("camera_model", "pinhole")).lower() not in ("pinhole", "none", ""):
        raise InvalidConfigError(
            f"{name}: camera model {fields['camera_model']!r} is not read; calibrate as pinhole"
        )
    width, height = size_of(fields, name)
    return CalibratedCamera(
        matrix,
        np.zeros(0) if lens is None else numbers_of(lens, "distortion", name),
        model in ("equidistant", "fisheye", "equi"),
        width,
        height,
    )


def size_of(fields: Mapping[str, Any], name: str) -> tuple[int | None, int | None]:
    """Width and height of the calibrated images in pixels, ``None`` where they are not told."""
    both = find(fields, _SIZE)
    width, height = find(fields, _WIDTH), find(fields, _HEIGHT)
    if both is not None:
        width, height = matrix_of(both, (2,), "image size", name)
    if width is None or height is None:
        return None, None
    sides = [number_of(side, "image size", name) for side in (width, height)]
    if not all(side == int(side) and 0 < side < 1e6 for side in sides):
        raise InvalidConfigError(f"{name}: an image of {sides[0]:g} x {sides[1]:g} pixels")
    return int(sides[0]), int(sides[1])


def camera_from_numbers(text: str, name: str) -> CalibratedCamera:
    """A matrix of nine numbers, row by row, without distortion."""
    numbers = [float(number) for number in re.findall(NUMBER, without_baseline(text))]
    if len(numbers) < 9:
        raise InvalidConfigError(
            f"{name} has {len(numbers)} numbers; a camera matrix has nine, row by row"
        )
    return CalibratedCamera(np.reshape(numbers[:9], (3, 3)), np.zeros(0))


def without_baseline(text: str) -> str:
    """The text's lines without comments and the one that names the baseline."""
    lines = (line.split("#")[0] for line in text.splitlines())
    return "\n".join(line for line in lines if "baseline" not in line.lower())
