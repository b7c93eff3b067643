import numpy as np
import pytest

from vizion3d.geometry.frames import FRAME_ROTATIONS, to_frame


def test_frames_are_rotations() -> None:
    for diagonal in FRAME_ROTATIONS.values():
        assert np.linalg.det(np.diag(diagonal)) == pytest.approx(1)
    points = np.array([[1.0, 2.0, 3.0]])
    assert to_frame(points.copy(), "opencv").tolist() == [[1, 2, 3]]
    assert to_frame(points.copy(), "opengl").tolist() == [[1, -2, -3]]
