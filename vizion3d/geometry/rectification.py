"""Making the rows of two photos agree, and measuring how far they do not."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vizion3d.core.arrays import Float32Array, UInt8Array
from vizion3d.errors import InvalidImageError
from vizion3d.geometry.calibration import CalibratedCamera, StereoCalibration

_FEATURES = 600
_LONGEST_PX = 640
"""Features are looked for in images of this size: enough for a tenth of a pixel in the median."""
_SMALLEST_PX = 32
"""ORB's patches are as large: there are no features in a smaller image."""
_SAME_ROW = 0.02
"""Matches whose vertical offset differs from the median by less (of the height) are trusted."""
_ROWS_AGREE_PX = 1.5
_ALIKE_BITS = 32
"""Bits of ORB's 256 that differ at most where two features look the same."""
ENOUGH = 12
"""Matches below which nothing is said about a pair."""
CHANCE = 0.06
"""Share of the features that find a partner in one row, at most, in photos of different scenes."""


@dataclass(frozen=True)
class SparseMatches:
    """Points of the left image and their partners in the right one, outliers among them.

    Attributes:
        left_px: float32 ``(N, 2)``: columns and rows in the left image.
        right_px: float32 ``(N, 2)``, in the right one.
        found: How many features there were to match, in the image that had fewer.
        alike: How many of the partners look the same, wherever they lie.
    """

    left_px: Float32Array
    right_px: Float32Array
    found: int
    alike: int = 0

    @property
    def offsets_px(self) -> Float32Array:
        """``(N, 2)``: left less right, columns (the disparity) and rows."""
        return self.left_px - self.right_px

    def inliers(self, height_px: int) -> "SparseMatches":
        """Those that agree with most of the others about the vertical offset."""
        vertical = self.offsets_px[:, 1]
        if not len(vertical):
            return self
        centre = _densest(vertical, _SAME_ROW * height_px)
        kept = np.abs(vertical - centre) < _SAME_ROW * height_px
        return SparseMatches(self.left_px[kept], self.right_px[kept], self.found, self.alike)


@dataclass(frozen=True)
class RowOffsets:
    """How much lower the left image's points lie than their partners in the right one.

    Attributes:
        median_px: In the median, with its sign.
        typical_px: Median of the absolute values: also a roll shows in it.
    """

    median_px: float
    typical_px: float


def row_offsets(matches: SparseMatches, height_px: int) -> RowOffsets | None:
    """Measure whether a pair is rectified; ``None``: too few matches to say."""
    near = matches.inliers(height_px)
    if len(near.left_px) < max(ENOUGH, CHANCE * matches.found):
        return None
    vertical = near.offsets_px[:, 1]
    return RowOffsets(float(np.median(vertical)), float(np.median(np.abs(vertical))))


def _densest(values: Float32Array, radius: float) -> float:
    """Middle of the window of ``2 radius`` that holds the most of ``values``."""
    ordered = np.sort(values)
    counts = np.searchsorted(ordered, ordered + 2 * radius, "right") - np.arange(len(ordered))
    start = int(np.argmax(counts))
    return float(np.median(ordered[start : start + int(counts[start])]))


def match_features(left: UInt8Array, right: UInt8Array) -> SparseMatches:
    """Match ORB features (Rublee et al. 2011) of two grey images ``(H, W)`` both ways."""
    scale = min(1.0, _LONGEST_PX / max(left.shape))
    if min(left.shape) * scale < _SMALLEST_PX:
        return SparseMatches(*(np.zeros((0, 2), np.float32),) * 2, 0)
    with ThreadPoolExecutor(1) as other:
        future = other.submit(_features, right, scale)
        points, descriptors = _features(left, scale)
        other_points, other_descriptors = future.result()
    found = min(len(points), len(other_points))
    if not found:
        return SparseMatches(*(np.zeros((0, 2), np.float32),) * 2, found)
    pairs = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(descriptors, other_descriptors)
    ours = points[[pair.queryIdx for pair in pairs]]
    theirs = other_points[[pair.trainIdx for pair in pairs]]
    alike = sum(pair.distance <= _ALIKE_BITS for pair in pairs)
    return SparseMatches(ours, theirs, found, alike)


def _features(gray: UInt8Array, scale: float) -> tuple[Float32Array, Any]:
    if scale < 1:
        gray = np.asarray(
            cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8
        )
    # Spread contrast first: ORB's threshold is in grey levels, and a dark photo has few.
    gray = np.asarray(cv2.equalizeHist(gray), np.uint8)
    keypoints, descriptors = cv2.ORB.create(_FEATURES, fastThreshold=12).detectAndCompute(
        gray, None
    )
    points = np.array([key.pt for key in keypoints], np.float32).reshape(-1, 2)
    # A pixel's centre is at integer coordinates in both sizes.
    return ((points + 0.5) / np.float32(scale) - 0.5).astype(np.float32), descriptors


def rectify(
    left: UInt8Array, right: UInt8Array, calibration: StereoCalibration
) -> tuple[UInt8Array, UInt8Array]:
    """Undistort and turn both photos so that partners lie in one row, by a calibration.

    Args:
        left: RGB uint8 ``(H, W, 3)``, of the size that ``calibration`` is for.
        right: The same.
        calibration: Of the two cameras; the maps are kept for the next pair.
    """
    height, width = left.shape[:2]
    maps = _maps(_Key(calibration), width, height)
    first, second = (
        np.asarray(cv2.remap(image, *each, cv2.INTER_CUBIC), np.uint8)
        for image, each in zip((left, right), maps, strict=True)
    )
    return first, second


@dataclass(frozen=True, eq=False)
class _Key:
    """A calibration that can be looked up: equal numbers, equal key."""

    calibration: StereoCalibration

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self._bytes() == other._bytes()

    def __hash__(self) -> int:
        return hash(self._bytes())

    def _bytes(self) -> bytes:
        return self.calibration.fingerprint()


@lru_cache(maxsize=8)
def _maps(key: _Key, width: int, height: int) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Where each rectified pixel of both images comes from."""
    left, right = (
        _map(camera, (width, height)) for camera in (key.calibration.left, key.calibration.right)
    )
    return left, right


def _map(camera: CalibratedCamera, size: tuple[int, int]) -> tuple[Any, Any]:
    make = cv2.fisheye.initUndistortRectifyMap if camera.fisheye else cv2.initUndistortRectifyMap
    assert camera.projection is not None
    turn = np.eye(3) if camera.rotation is None else camera.rotation
    first, second = make(
        camera.matrix, camera.lens, turn, camera.projection[:, :3], size, cv2.CV_16SC2
    )
    return first, second


@dataclass(frozen=True)
class RowAlignment:
    """How the right image is turned so that its rows agree with the left one's.

    Attributes:
        homography: ``(3, 3)``, from pixels of the right photo to those of the turned one.
        angles_deg: Pitch, yaw and roll that it takes out, in degrees.
        scale: Factor between the images' focal lengths that it takes out.
        remaining_px: Median distance between the rows of matches afterwards.
    """

    homography: NDArray[np.float64]
    angles_deg: tuple[float, float, float]
    scale: float
    remaining_px: float

    def apply(self, right: UInt8Array) -> UInt8Array:
        """The turned right image."""
        height, width = right.shape[:2]
        return np.asarray(
            cv2.warpPerspective(
                right,
                self.homography,
                (width, height),
                flags=cv2.INTER_CUBIC,
                borderMode=cv2.BORDER_REPLICATE,
            ),
            np.uint8,
        )


def align_rows(
    matches: SparseMatches, focal_px: float, width_px: int, height_px: int
) -> RowAlignment:
    """Turn the right camera until the rows of the matches agree, without a calibration.

    For cameras side by side that look a little up, down or aslant of one another. The left image
    stays as it is. How far the right camera looks sideways cannot be told from the rows but by its
    effect on the corners, and hardly; so the disparity in the middle is kept, and metres hold only
    roughly.

    Raises:
        InvalidImageError: Too few matches, or no such turn makes their rows agree.
    """
    near = matches.inliers(height_px)
    if len(near.left_px) < 2 * ENOUGH:
        raise InvalidImageError(
            f"the pair cannot be rectified from its content: only {len(near.left_px)} points of it "
            f"could be matched, {2 * ENOUGH} are needed; calibrate the cameras instead"
        )
    camera = np.array(
        [[focal_px, 0, (width_px - 1) / 2], [0, focal_px, (height_px - 1) / 2], [0, 0, 1]]
    )
    rows = near.left_px[:, 1].astype(np.float64)
    parameters = np.zeros(4)  # pitch, yaw, roll (radians), logarithm of the scale
    # Gauss and Newton's method, the matches weighted by how well they agree (Huber's weights); a
    # little ridge keeps yaw at 0 where the rows do not tell it.
    for _ in range(10):
        residual = _rows(parameters, camera, near.right_px) - rows
        spread = max(0.5, 1.5 * float(np.median(np.abs(residual))))
        weight = np.minimum(1, spread / np.maximum(np.abs(residual), 1e-9))
        step = 1e-5
        slopes = np.stack(
            [
                (_rows(parameters + step * unit, camera, near.right_px) - rows - residual) / step
                for unit in np.eye(4)
            ],
            axis=1,
        )
        normal = slopes.T @ (weight[:, None] * slopes) + np.diag([0, 1e-2, 0, 0]) * len(rows)
        normal += 1e-9 * np.trace(normal) * np.eye(4)
        parameters -= np.linalg.solve(normal, slopes.T @ (weight * residual))
        parameters = np.clip(parameters, -0.3, 0.3)
    remaining = float(np.median(np.abs(_rows(parameters, camera, near.right_px) - rows)))
    if remaining > _ROWS_AGREE_PX * max(1.0, height_px / 1000):
        raise InvalidImageError(
            "the pair cannot be rectified from its content: whichever way the right image is "
            f"turned, the rows of matches stay {remaining:.1f} px apart; one camera stood ahead of "
            "the other or the lenses bend the images: calibrate the cameras instead"
        )
    pitch, yaw, roll = np.degrees(parameters[:3])
    return RowAlignment(
        _turn(parameters, camera),
        (float(pitch), float(yaw), float(roll)),
        float(np.exp(parameters[3])),
        remaining,
    )


def _turn(parameters: NDArray[np.float64], camera: NDArray[np.float64]) -> NDArray[np.float64]:
    rotation, _ = cv2.Rodrigues(parameters[:3])
    scale = np.diag([np.exp(parameters[3]), np.exp(parameters[3]), 1])
    turn = camera @ scale @ rotation @ np.linalg.inv(camera)
    centre = np.array([camera[0, 2], camera[1, 2], 1.0])
    moved = turn @ centre
    back = np.eye(3)
    back[0, 2] = centre[0] - moved[0] / moved[2]
    return np.asarray(back @ turn, np.float64)


def _rows(
    parameters: NDArray[np.float64], camera: NDArray[np.float64], points: Float32Array
) -> NDArray[np.float64]:
    turn = _turn(parameters, camera)
    homogeneous = np.column_stack([points, np.ones(len(points))]) @ turn.T
    return np.asarray(homogeneous[:, 1] / homogeneous[:, 2], np.float64)
