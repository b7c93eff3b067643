"""Two cameras of a calibration file, and how they stand."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from vizion3d.errors import InvalidConfigError
from vizion3d.geometry.calibration import (
    CalibratedCamera,
    Matrix,
    StereoCalibration,
    from_extrinsics,
    side_by_side,
)
from vizion3d.geometry.calibration_files.cameras import (
    MATRIX,
    camera_from_numbers,
    camera_of,
    size_of,
    without_baseline,
)
from vizion3d.geometry.calibration_files.numbers import (
    NUMBER,
    find,
    length_mm,
    matrix_of,
    numbers_of,
    unit_mm,
)

_BASELINE_LINE = re.compile(
    rf"baseline(?P<in>_mm|_m|_cm)?\s*[:=]\s*(?P<value>{NUMBER})\s*(?P<unit>[a-z]+)?", re.IGNORECASE
)


def matrix_and_baseline(text: str, name: str, unit: str | None) -> StereoCalibration:
    """``[fx 0 cx; 0 fy cy; 0 0 1]``, then the baseline: a tenth number, or a line that names it."""
    camera = camera_from_numbers(text, name)
    named = _BASELINE_LINE.search(text)
    if named:
        length = float(named["value"])
        unit = unit or (named["in"] or "").strip("_") or named["unit"]
    else:
        rest = re.findall(NUMBER, without_baseline(text))[9:]
        if len(rest) != 1:
            raise InvalidConfigError(
                f"{name} has a camera matrix but no baseline; add a line such as 'baseline: 120 mm'"
            )
        length = float(rest[0])
    return side_by_side(camera, camera, length * length_mm(length, unit, name), name)


def ros_pair(
    first: Mapping[str, Any], second: Mapping[str, Any], name: str, unit: str | None
) -> StereoCalibration:
    """Two ROS ``camera_info`` (sensor_msgs/CameraInfo): P of the right one has -fx B, in metres."""
    left, right = (
        _placed(
            camera_of(fields, name),
            find(fields, ("rectification_matrix", "r")),
            find(fields, ("projection_matrix", "p")),
            unit_mm(unit or "m"),
            name,
        )
        for fields in (first, second)
    )
    return StereoCalibration(left, right, name)


def _placed(
    camera: CalibratedCamera, rotation: Any, projection: Any, factor_mm: float, name: str
) -> CalibratedCamera:
    if projection is None:
        raise InvalidConfigError(f"{name} has no projection matrix, so no baseline")
    matrix = matrix_of(projection, (3, 4), "projection matrix", name)
    matrix[:, 3] *= factor_mm
    turn = None if rotation is None else matrix_of(rotation, (3, 3), "rectification matrix", name)
    return replace(camera, rotation=turn, projection=matrix)


def opencv_pair(fields: Mapping[str, Any], name: str, unit: str | None) -> StereoCalibration:
    """OpenCV's ``stereoCalibrate`` (R, T) or ``stereoRectify`` (P1 and P2, or Q).

    Raises:
        InvalidConfigError: None of these is there, or the unit of their lengths is open.
    """
    size = size_of(fields, name)
    if "r" in fields and "t" in fields:
        left = camera_of(fields, name, ("1", "_left", "_1", "l"))
        right = camera_of(fields, name, ("2", "_right", "_2", "r"))
        shift = matrix_of(fields["t"], (3,), "T", name)
        length = float(np.linalg.norm(shift))
        rotation = _rotation(fields["r"], name)
        return from_extrinsics(left, right, rotation, shift * length_mm(length, unit, name), name)
    if "p1" in fields and "p2" in fields:
        placed = []
        for number in "12":
            projection = matrix_of(fields[f"p{number}"], (3, 4), f"P{number}", name)
            if "r" + number in fields and find(fields, MATRIX, (number,)) is not None:
                camera = camera_of(fields, name, (number,))
            else:  # the photos are rectified already
                camera = CalibratedCamera(projection[:, :3].copy(), np.zeros(0), False, *size)
            placed.append((camera, fields.get(f"r{number}"), projection))
        last = placed[1][2]
        length = float(abs(last[0, 3] / last[0, 0])) if last[0, 0] else 0.0
        factor = length_mm(length, unit, name)
        left, right = (_placed(*each, factor, name) for each in placed)
        return StereoCalibration(left, right, name)
    if "q" in fields:
        return _from_q(matrix_of(fields["q"], (4, 4), "Q", name), size, name, unit)
    raise InvalidConfigError(
        f"{name} does not tell how the cameras stand: it needs K1, D1, K2, D2, R and T, or P1 and "
        f"P2, or Q (or cam0, cam1 and baseline); it has {', '.join(sorted(fields)[:12])}"
    )


def _rotation(values: Any, name: str) -> Matrix:
    """R as a matrix or as a rotation vector."""
    numbers = numbers_of(values, "R", name)
    if numbers.size == 3:
        import cv2

        return np.asarray(cv2.Rodrigues(numbers)[0], np.float64)
    return matrix_of(numbers, (3, 3), "R", name)


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
    return side_by_side(left, right, length * length_mm(abs(length), unit, name), name)
