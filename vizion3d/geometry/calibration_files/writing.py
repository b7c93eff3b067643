"""A pair of cameras as a calibration file."""

import numpy as np

from vizion3d.geometry.calibration import StereoCalibration


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
