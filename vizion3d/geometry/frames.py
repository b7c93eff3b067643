"""Coordinate frames of point clouds. The camera's own: x right, y down, z forward."""

from typing import Literal

import numpy as np

from vizion3d.core.arrays import FloatArray

Frame = Literal["opencv", "opengl"]
"""``"opencv"``: the camera's own axes; ``"opengl"``: x right, y up, z backward."""

FRAME_ROTATIONS: dict[Frame, tuple[int, int, int]] = {"opencv": (1, 1, 1), "opengl": (1, -1, -1)}
"""Diagonal of the rotation from the camera's frame; determinant +1, so nothing is mirrored."""


def to_frame(points: FloatArray, frame: Frame) -> FloatArray:
    """Turn points from the camera's frame into another, in place.

    Args:
        points: ``(..., 3)``: x right, y down, z forward.
        frame: ``"opencv"`` leaves them so; ``"opengl"`` is x right, y up, z backward.
    """
    if frame != "opencv":
        points *= np.asarray(FRAME_ROTATIONS[frame], points.dtype)
    return points
