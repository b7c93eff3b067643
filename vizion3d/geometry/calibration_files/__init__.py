"""The calibration files that people have: Middlebury, OpenCV, ROS, Kalibr, and a plain matrix.

Which of them a file is shows in its content. Lengths are millimetres where the format says so or
the file has a ``unit``; metres in ROS and Kalibr files, whose formats say that; otherwise OpenCV's
translation is in whatever unit the checkerboard's squares were given in, and it is told from its
size where that leaves no doubt.
"""

from vizion3d.errors import InvalidConfigError
from vizion3d.geometry.calibration import (
    CalibratedCamera,
    StereoCalibration,
    from_extrinsics,
    side_by_side,
)
from vizion3d.geometry.calibration_files.cameras import camera_from_numbers, camera_of, first_two
from vizion3d.geometry.calibration_files.content import CalibrationInput, fields_of, text_of
from vizion3d.geometry.calibration_files.numbers import matrix_of, number_of, told_unit, unit_mm
from vizion3d.geometry.calibration_files.pairs import matrix_and_baseline, opencv_pair, ros_pair
from vizion3d.geometry.calibration_files.writing import write_camera, write_stereo

__all__ = ["CalibrationInput", "read_camera", "read_stereo", "write_camera", "write_stereo"]


def read_camera(source: CalibrationInput) -> CalibratedCamera:
    """One camera's matrix, distortion and image size.

    Args:
        source: Path, or the file's content: OpenCV YAML or XML, ROS ``camera_info`` YAML, Kalibr
            YAML (its first camera), Middlebury ``calib.txt`` (its left one), or the nine numbers of
            a camera matrix.

    Raises:
        InvalidConfigError: It cannot be read, or does not tell the camera.
    """
    name, text = text_of(source)
    fields = fields_of(text, name)
    if fields is None:
        return camera_from_numbers(text, name)
    if "cam0" in fields:
        return first_two(fields, name)[0]
    return camera_of(fields, name, ("", "1", "_left", "_1", "l"))


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
    name, text = text_of(source)
    fields = fields_of(text, name)
    if right is not None:
        other_name, other_text = text_of(right)
        other = fields_of(other_text, other_name)
        if fields is None or other is None:
            raise InvalidConfigError(
                f"{name} and {other_name}: two files are read as ROS camera_info, and one is not"
            )
        return ros_pair(fields, other, f"{name} and {other_name}", unit)
    if fields is None:
        return matrix_and_baseline(text, name, unit)
    unit = unit or told_unit(fields, name)
    if "cam0" in fields:
        cameras = first_two(fields, name)
        if "baseline" in fields:
            baseline_mm = number_of(fields["baseline"], "baseline", name) * unit_mm(unit or "mm")
            return side_by_side(*cameras, baseline_mm, name)
        placed = fields["cam1"].get("t_cn_cnm1")
        if placed is None:
            raise InvalidConfigError(f"{name}: its cam1 has no T_cn_cnm1, so no baseline")
        transform = matrix_of(placed, (4, 4), "T_cn_cnm1", name)
        shift = transform[:3, 3] * unit_mm(unit or "m")
        return from_extrinsics(*cameras, transform[:3, :3], shift, name)
    return opencv_pair(fields, name, unit)
