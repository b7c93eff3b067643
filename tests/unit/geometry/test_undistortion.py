import cv2
import numpy as np
import pytest

from vizion3d.geometry.calibration import CalibratedCamera
from vizion3d.geometry.undistortion import Undistortion

WIDTH, HEIGHT = 320, 240
MATRIX = np.array([[300.0, 0, 158], [0, 305, 121], [0, 0, 1]])
LENSES = {
    "barrel": CalibratedCamera(MATRIX, np.array([-0.25, 0.06, 0, 0, 0]), False, WIDTH, HEIGHT),
    "pincushion": CalibratedCamera(MATRIX, np.array([0.2, 0.01, 0, 0, 0]), False, WIDTH, HEIGHT),
    "fisheye": CalibratedCamera(MATRIX, np.array([-0.03, 0.01, 0, 0]), True, WIDTH, HEIGHT),
}


def drawn(camera: CalibratedCamera) -> np.ndarray:
    """A photo of a straight, tilted border, as that lens sees it."""
    v, u = np.mgrid[:HEIGHT, :WIDTH].astype(np.float64)
    pixels = np.stack((u, v), -1).reshape(-1, 1, 2)
    undo = cv2.fisheye.undistortPoints if camera.fisheye else cv2.undistortPoints
    x, y = undo(pixels, camera.matrix, camera.lens)[:, 0].T
    bright = (y > 0.1 * x - 0.2).reshape(HEIGHT, WIDTH)
    return np.repeat(np.where(bright, 255, 0)[..., None], 3, 2).astype(np.uint8)


@pytest.mark.parametrize("name", LENSES)
def test_straight_things_are_straight_where_the_new_camera_says(name: str) -> None:
    undistortion = Undistortion(LENSES[name])
    undone = undistortion.apply(drawn(LENSES[name]))
    assert undone.shape == (HEIGHT, WIDTH, 3)
    border = np.argmax(undone[..., 0] > 127, axis=0)
    fx, fy, cx, cy = undistortion.intrinsics
    x = (np.arange(WIDTH) - cx) / fx
    expected = (0.1 * x - 0.2) * fy + cy
    assert np.abs(border - expected).max() < 2


@pytest.mark.parametrize("name", LENSES)
def test_nothing_is_shown_that_the_lens_did_not_see(name: str) -> None:
    bordered = np.full((HEIGHT, WIDTH, 3), 200, np.uint8)
    first, second = Undistortion(LENSES[name])._maps
    shown = cv2.remap(bordered, first, second, cv2.INTER_LINEAR, borderValue=(0, 0, 0))
    assert (shown > 150).mean() > 0.995
