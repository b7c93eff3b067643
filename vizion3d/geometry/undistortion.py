"""Undoing a lens's distortion in a photo."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from vizion3d.core.arrays import UInt8Array
from vizion3d.geometry.calibration import CalibratedCamera, Matrix


@dataclass(frozen=True, eq=False)
class Undistortion:
    """From a photo to the one that a pinhole camera at the same place would have taken.

    The pinhole camera sees as much as can be seen without showing what the lens did not see: the
    photo has no black borders, and a focal length and principal point of its own.

    Attributes:
        camera: The lens, for images of one size.
    """

    camera: CalibratedCamera

    @cached_property
    def matrix(self) -> Matrix:
        """``(3, 3)``, the camera matrix of the photo without distortion, in pixels."""
        import cv2

        camera, size = self.camera, self._size
        if camera.fisheye:
            found = cv2.fisheye.estimateNewCameraMatrixForUndistortRectify(
                camera.matrix, camera.lens, size, np.eye(3), balance=0.0
            )
        else:
            found, _ = cv2.getOptimalNewCameraMatrix(camera.matrix, camera.lens, size, 0.0)
        # OpenCV fits each direction by itself; the narrower view of both keeps the pixels' shape.
        scale = max(found[i, i] / camera.matrix[i, i] for i in (0, 1))
        new = np.array(found, np.float64)
        new[0, 0], new[1, 1] = scale * camera.matrix[0, 0], scale * camera.matrix[1, 1]
        return new

    @property
    def intrinsics(self) -> tuple[float, float, float, float]:
        """``fx, fy, cx, cy`` of the photo without distortion, in pixels."""
        (fx, _, cx), (_, fy, cy), _ = self.matrix.tolist()
        return fx, fy, cx, cy

    def apply(self, image: UInt8Array) -> UInt8Array:
        """The photo without distortion, uint8 ``(H, W, 3)``, of the same size."""
        import cv2

        first, second = self._maps
        undone = cv2.remap(image, first, second, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(undone, np.uint8)

    @property
    def _size(self) -> tuple[int, int]:
        assert self.camera.width_px is not None
        assert self.camera.height_px is not None
        return self.camera.width_px, self.camera.height_px

    @cached_property
    def _maps(self) -> tuple[Any, Any]:
        """Where each pixel comes from, in OpenCV's fixed-point form."""
        import cv2

        make = (
            cv2.fisheye.initUndistortRectifyMap
            if self.camera.fisheye
            else cv2.initUndistortRectifyMap
        )
        first, second = make(
            self.camera.matrix, self.camera.lens, np.eye(3), self.matrix, self._size, cv2.CV_16SC2
        )
        return first, second
