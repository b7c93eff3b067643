"""Calibrated cameras: what a calibration tells about one camera or a pair, for images of any size.

Files are read by :func:`read_camera` and :func:`read_stereo`; see
:mod:`vizion3d.geometry.calibration_files` for the formats.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vizion3d.errors import InvalidConfigError

Matrix = NDArray[np.float64]

_SAME_SHAPE = 0.02
"""Aspect ratios that differ by less are taken for one: sizes are whole pixels."""
_NOTHING = 1e-9


@dataclass(frozen=True, eq=False)
class CalibratedCamera:
    """One camera: its lens, and how its photo is turned into a rectified one.

    Attributes:
        matrix: ``(3, 3)``, the camera matrix K of the photo as taken, in pixels.
        distortion: Coefficients in OpenCV's order (k1, k2, p1, p2, k3 ...), or k1 to k4 of the
            equidistant model if ``fisheye``; empty: none.
        fisheye: Which of the two models the coefficients are of.
        width_px: Width of the images that the numbers are for; ``None``: not told.
        height_px: Height of those.
        rotation: ``(3, 3)``, from the camera's axes to those of the rectified one.
        projection: ``(3, 4)``, of the rectified camera; its last column in pixels times mm.
    """

    matrix: Matrix
    distortion: Matrix
    fisheye: bool = False
    width_px: int | None = None
    height_px: int | None = None
    rotation: Matrix | None = None
    projection: Matrix | None = None

    def __post_init__(self) -> None:
        _check_camera_matrix(self.matrix)
        if not np.isfinite(self.distortion).all() or len(self.distortion) > 14:
            raise InvalidConfigError(
                f"distortion must be up to 14 finite numbers, got {self.distortion.tolist()}"
            )

    @property
    def distorted(self) -> bool:
        """Whether the lens bends straight lines."""
        return bool(np.abs(self.distortion).max(initial=0.0) > _NOTHING)

    @property
    def intrinsics(self) -> tuple[float, float, float, float]:
        """``fx, fy, cx, cy``, in pixels."""
        (fx, _, cx), (_, fy, cy), _ = self.matrix.tolist()
        return fx, fy, cx, cy

    @property
    def lens(self) -> Matrix:
        """The coefficients, as many as OpenCV wants at least."""
        least = 4 if self.fisheye else 5
        padded = np.zeros(max(least, len(self.distortion)))
        padded[: len(self.distortion)] = self.distortion
        return padded

    @property
    def turned(self) -> bool:
        """Whether the rectified image differs from the photo."""
        if self.projection is None:
            return False
        turned = self.rotation is not None and not np.allclose(self.rotation, np.eye(3), atol=1e-7)
        moved = not np.allclose(self.projection[:, :3], self.matrix, rtol=1e-6, atol=1e-6)
        return self.distorted or turned or moved

    def scaled(self, width_px: int, height_px: int) -> "CalibratedCamera":
        """The camera for images of another size, of the same shape.

        Raises:
            InvalidConfigError: The shape differs: cropped images, or another camera's.
        """
        if self.width_px is None or self.height_px is None:
            return replace(self, width_px=width_px, height_px=height_px)
        if (width_px, height_px) == (self.width_px, self.height_px):
            return self
        across, down = width_px / self.width_px, height_px / self.height_px
        if abs(across / down - 1) > _SAME_SHAPE:
            raise InvalidConfigError(
                f"the calibration is for images of {self.width_px} x {self.height_px} pixels, the "
                f"image has {width_px} x {height_px}: another shape, so it was cropped or is of "
                "another camera; calibrate at this size"
            )
        # A pixel's centre is at integer coordinates in both sizes.
        scale = np.array(
            [[across, 0, (across - 1) / 2], [0, down, (down - 1) / 2], [0, 0, 1]], np.float64
        )
        return replace(
            self,
            matrix=scale @ self.matrix,
            projection=None if self.projection is None else scale @ self.projection,
            width_px=width_px,
            height_px=height_px,
        )


@dataclass(frozen=True, eq=False)
class StereoCalibration:
    """A calibrated pair; the second camera stands to the right of the first.

    Attributes:
        left: With ``projection``.
        right: With ``projection``, whose last column tells the baseline.
        source: Where it came from, in words.
    """

    left: CalibratedCamera
    right: CalibratedCamera
    source: str

    def __post_init__(self) -> None:
        for camera in (self.left, self.right):
            if camera.projection is None:
                raise InvalidConfigError(f"{self.source} does not tell how the cameras stand")
            _check_camera_matrix(camera.projection[:, :3])
        first, second = self._projections
        if abs(second[1, 3]) > abs(second[0, 3]):
            raise InvalidConfigError(
                f"{self.source}: the cameras stand one above the other; turn both images by 90 "
                "degrees and calibrate them so"
            )
        if self.baseline_mm <= 0:
            raise InvalidConfigError(
                f"{self.source}: its second camera stands {-self.baseline_mm:g} mm to the left of "
                "the first; exchange the two (and the images with them)"
            )
        if abs(first[0, 0] / second[0, 0] - 1) > 1e-3:
            raise InvalidConfigError(
                f"{self.source}: the rectified cameras have different focal lengths, "
                f"{first[0, 0]:g} and {second[0, 0]:g} px"
            )

    @property
    def _projections(self) -> tuple[Matrix, Matrix]:
        first, second = self.left.projection, self.right.projection
        assert first is not None
        assert second is not None
        return first, second

    @property
    def focal_px(self) -> float:
        """Focal length of the rectified cameras, pixels."""
        return float(self._projections[0][0, 0])

    @property
    def centre_px(self) -> tuple[float, float]:
        """Principal point of the rectified left camera: column and row, pixels."""
        return float(self._projections[0][0, 2]), float(self._projections[0][1, 2])

    @property
    def doffs_px(self) -> float:
        """Column of the right principal point less that of the left one, pixels."""
        return float(self._projections[1][0, 2] - self._projections[0][0, 2])

    @property
    def baseline_mm(self) -> float:
        """Distance between the cameras, millimetres."""
        second = self._projections[1]
        return float(-second[0, 3] / second[0, 0])

    @property
    def needs_rectification(self) -> bool:
        """Whether photos must be undistorted or turned first."""
        return self.left.turned or self.right.turned

    def scaled(self, width_px: int, height_px: int) -> "StereoCalibration":
        """For images of another size; see :meth:`CalibratedCamera.scaled`."""
        left, right = (c.scaled(width_px, height_px) for c in (self.left, self.right))
        return replace(self, left=left, right=right)

    def fingerprint(self) -> bytes:
        """Equal for equal numbers."""
        return b"|".join(
            b"-" if part is None else np.asarray(part, np.float64).tobytes()
            for camera in (self.left, self.right)
            for part in (
                camera.matrix,
                camera.distortion,
                np.float64(camera.fisheye),
                camera.rotation,
                camera.projection,
            )
        )


def side_by_side(
    left: CalibratedCamera, right: CalibratedCamera, baseline_mm: float, source: str
) -> StereoCalibration:
    """Two cameras that are rectified already, ``baseline_mm`` apart."""
    shift = np.array([[-left.matrix[0, 0] * baseline_mm], [0], [0]])
    return StereoCalibration(
        replace(left, projection=np.hstack([left.matrix, np.zeros((3, 1))])),
        replace(right, projection=np.hstack([right.matrix, shift])),
        source,
    )


def from_extrinsics(
    left: CalibratedCamera,
    right: CalibratedCamera,
    rotation: Matrix,
    translation_mm: Matrix,
    source: str,
) -> StereoCalibration:
    """Two cameras by how they stand: a point X of the left one is ``R X + T`` in the right one.

    The rectified cameras are chosen as OpenCV's ``stereoRectify`` does, every pixel of theirs being
    one of the photos.
    """
    import cv2

    if left.width_px is None or left.height_px is None:
        raise InvalidConfigError(
            f"{source} does not tell the size of the images; add image_width and image_height"
        )
    if np.linalg.norm(rotation @ rotation.T - np.eye(3)) > 1e-3 or np.linalg.det(rotation) < 0:
        raise InvalidConfigError(f"{source}: R is no rotation")
    size = (left.width_px, left.height_px)
    shift = translation_mm.reshape(3, 1)
    if left.fisheye:
        first, second, first_projection, second_projection, _ = cv2.fisheye.stereoRectify(
            *(left.matrix, left.lens, right.matrix, right.lens),
            *(size, rotation, shift),
            flags=cv2.CALIB_ZERO_DISPARITY,
        )
    else:
        first, second, first_projection, second_projection, *_ = cv2.stereoRectify(
            *(left.matrix, left.lens, right.matrix, right.lens),
            *(size, rotation, shift),
            alpha=0,
        )
    return StereoCalibration(
        replace(left, rotation=np.asarray(first), projection=np.asarray(first_projection)),
        replace(right, rotation=np.asarray(second), projection=np.asarray(second_projection)),
        source,
    )


def _check_camera_matrix(matrix: Matrix) -> None:
    if matrix.shape != (3, 3) or not np.isfinite(matrix).all():
        raise InvalidConfigError(f"a camera matrix is 3 x 3 finite numbers, got {matrix.tolist()}")
    if min(matrix[0, 0], matrix[1, 1]) <= 0 or np.abs(matrix[2] - [0, 0, 1]).max() > 1e-6:
        raise InvalidConfigError(
            "a camera matrix is [fx 0 cx; 0 fy cy; 0 0 1] with positive focal lengths in pixels, "
            f"got {matrix.tolist()}"
        )
