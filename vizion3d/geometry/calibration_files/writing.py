"""A camera, or a pair of cameras, as a calibration file."""

import numpy as np

from vizion3d.geometry.calibration import CalibratedCamera, Matrix, StereoCalibration


def write_camera(camera: CalibratedCamera) -> bytes:
    """A camera as OpenCV's YAML, which :func:`read_camera` reads back to the same numbers."""
    lines = _head(camera)
    lines += _matrix("K", camera.matrix) + _matrix("D", camera.distortion.reshape(1, -1))
    return "\n".join([*lines, ""]).encode()


def write_stereo(calibration: StereoCalibration) -> bytes:
    """A pair as OpenCV's YAML, which :func:`read_stereo` reads back to the same numbers."""
    lines = [*_head(calibration.left), "unit: mm"]
    for number, camera in (("1", calibration.left), ("2", calibration.right)):
        assert camera.projection is not None
        rotation = np.eye(3) if camera.rotation is None else camera.rotation
        for name, values in (
            ("K", camera.matrix),
            ("D", camera.distortion.reshape(1, -1)),
            ("R", rotation),
            ("P", camera.projection),
        ):
            lines += _matrix(f"{name}{number}", values)
    return "\n".join([*lines, ""]).encode()


def _head(camera: CalibratedCamera) -> list[str]:
    lines = ["%YAML:1.0", "---"]
    if camera.width_px is not None and camera.height_px is not None:
        lines += [f"image_width: {camera.width_px}", f"image_height: {camera.height_px}"]
    if camera.fisheye:
        lines.append("distortion_model: equidistant")
    return lines


def _matrix(name: str, values: Matrix) -> list[str]:
    data = ", ".join(repr(float(value)) for value in values.ravel())
    return [
        f"{name}: !!opencv-matrix",
        f"   rows: {values.shape[0]}",
        f"   cols: {values.shape[1]}",
        "   dt: d",
        f"   data: [ {data} ]",
    ]
