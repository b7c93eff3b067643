"""Rendered pairs of textured planes whose depth is known exactly, and a real pair with truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from vizion3d.geometry.cameras import CameraIntrinsics
from vizion3d.stereo import StereoDepthAdvancedConfig

UInt8Array = NDArray[np.uint8]
FloatArray = NDArray[np.float64]

BASELINE_MM = 100.0
_TEXTURE_PX = 1024


@dataclass(frozen=True)
class Plane:
    """``normal . X = distance_m`` in the left camera's axes, with a texture of its own.

    Attributes:
        normal: Of any length.
        distance_m: Along the normal.
        seed: Of the texture.
        bounds_m: Least and largest x, least and largest y of the part that is there.
    """

    normal: tuple[float, float, float]
    distance_m: float
    seed: int
    bounds_m: tuple[float, float, float, float] = (-9.0, 9.0, -9.0, 9.0)


@dataclass(frozen=True)
class Pair:
    """Two photos of planes, and what is true of the left one.

    Attributes:
        left: uint8 ``(H, W, 3)``.
        right: The same.
        depth_m: ``(H, W)``, of the left camera.
        disparity: ``(H, W)``, pixels.
        seen_by_both: Where the right camera sees the same point.
        config: The cameras.
    """

    left: UInt8Array
    right: UInt8Array
    depth_m: FloatArray
    disparity: FloatArray
    seen_by_both: NDArray[np.bool_]
    config: StereoDepthAdvancedConfig


def camera(width: int = 320, height: int = 240, focal_px: float = 400.0) -> CameraIntrinsics:
    return CameraIntrinsics(
        focal_px, focal_px, (width - 1) / 2, (height - 1) / 2, width_px=width, height_px=height
    )


def render_pair(planes: Sequence[Plane], k: CameraIntrinsics | None = None) -> Pair:
    """What two cameras :data:`BASELINE_MM` apart see of the planes."""
    k = k or camera()
    left, depth_m = _render(planes, k, 0.0)
    right, right_depth_m = _render(planes, k, BASELINE_MM / 1000)
    disparity = k.fx * BASELINE_MM / 1000 / depth_m
    partner = np.arange(k.width_px) - disparity
    nearest = np.rint(partner).astype(int)
    theirs = np.take_along_axis(right_depth_m, nearest.clip(0, k.width_px - 1), axis=1)
    both = (partner >= 0) & (partner <= k.width_px - 1) & (np.abs(theirs / depth_m - 1) < 0.02)
    config = StereoDepthAdvancedConfig(
        focal_length=k.fx, cx=k.cx, cy=k.cy, baseline=BASELINE_MM, frame="opencv"
    )
    return Pair(left, right, depth_m, disparity, both, config)


def _render(
    planes: Sequence[Plane], k: CameraIntrinsics, shift_m: float
) -> tuple[UInt8Array, FloatArray]:
    u, v = np.meshgrid(np.arange(k.width_px), np.arange(k.height_px))
    rays = np.stack([(u - k.cx) / k.fx, (v - k.cy) / k.fy, np.ones(u.shape)], axis=-1)
    depth_m = np.full(u.shape, np.inf)
    image = np.zeros((*u.shape, 3), np.uint8)
    for plane in planes:
        normal = np.asarray(plane.normal)
        z = (plane.distance_m - normal[0] * shift_m) / (rays @ normal)
        points = rays * z[..., None] + [shift_m, 0, 0]
        x0, x1, y0, y1 = plane.bounds_m
        x, y = points[..., 0], points[..., 1]
        there = (z > 0) & (z < depth_m) & (x > x0) & (x < x1) & (y > y0) & (y < y1)
        # One texel a pixel at the plane's distance: as fine as the camera resolves.
        per_m = k.fx / plane.distance_m * float(np.linalg.norm(normal))
        u, v = ((c * per_m + _TEXTURE_PX / 2).astype(np.float32) for c in (x, y))
        seen = cv2.remap(texture(plane.seed), u, v, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        image[there] = seen[there]
        depth_m[there] = z[there]
    return image, depth_m


@cache
def texture(seed: int) -> UInt8Array:
    """Noise of several grains, ``(1024, 1024, 3)``, nothing finer than a camera resolves."""
    random = np.random.default_rng(seed)
    total = np.zeros((_TEXTURE_PX, _TEXTURE_PX, 3), np.float32)
    for grain in (1.3, 3, 9):
        noise = random.normal(size=total.shape).astype(np.float32)
        soft = cv2.GaussianBlur(noise, (0, 0), grain)
        total += soft / soft.std()
    return np.clip(128 + 30 * total, 0, 255).astype(np.uint8)


FRONT = (Plane((0, 0, 1), 1.5, 1),)
SLANTED = (Plane((0.4, 0.2, 1), 1.5, 2),)
FLOOR = (Plane((0, 0.8, 0.6), 1.2, 3),)
TWO = (Plane((0, 0, 1), 2.5, 4), Plane((0.2, 0, 1), 1.2, 5, (-0.15, 0.2, -0.2, 0.15)))


@dataclass(frozen=True)
class Motorcycle:
    """The pair "Motorcycle" of the Middlebury 2014 data set at a quarter of its size.

    Attributes:
        left: uint8 ``(500, 741, 3)``.
        right: The same.
        disparity: float32 ``(500, 741)``, pixels; infinite or NaN where it is not known.
        config: Its cameras.
    """

    left: UInt8Array
    right: UInt8Array
    disparity: NDArray[np.float32]
    config: StereoDepthAdvancedConfig

    @property
    def known(self) -> NDArray[np.bool_]:
        return np.isfinite(self.disparity)


def write_boards(folder: Path, count: int = 8) -> None:
    """Photos of a checkerboard of 9 x 6 inner corners, 25 mm apart, by two cameras 120 mm apart."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    square_px, k = 40, camera(640, 480, 600.0).matrix()
    cells = np.indices((7, 10)).sum(0) % 2
    board = np.pad(
        np.kron(cells * 255, np.ones((square_px, square_px))), square_px, constant_values=255
    )
    metres_per_px = 0.025 / square_px
    for number in range(count):
        turn = cv2.Rodrigues(random.uniform(-0.45, 0.45, 3))[0]
        centre = np.array([random.uniform(-0.06, 0.12), random.uniform(-0.06, 0.06), 0.6])
        for side, shift in (("left", 0.0), ("right", 0.12)):
            middle = np.array(board.shape[::-1]) / 2
            flat = np.array(
                [
                    [metres_per_px, 0, -middle[0] * metres_per_px],
                    [0, metres_per_px, -middle[1] * metres_per_px],
                    [0, 0, 1],
                ]
            )
            pose = np.column_stack([turn[:, 0], turn[:, 1], centre - [shift, 0, 0]])
            view = cv2.warpPerspective(
                board.astype(np.uint8), k @ pose @ flat, (640, 480), borderValue=128
            )
            cv2.imwrite(str(folder / f"{side}_{number:02d}.png"), view)


MOTORCYCLE_CAMERA = {
    "focal_length": 994.978,
    "cx": 311.193,
    "cy": 254.877,
    "baseline": 193.001,
    "doffs": 31.086,
}


@cache
def motorcycle() -> Motorcycle:
    from skimage import data

    left, right, disparity = data.stereo_motorcycle()
    return Motorcycle(
        cast(UInt8Array, left),
        cast(UInt8Array, right),
        np.asarray(disparity, np.float32),
        StereoDepthAdvancedConfig(**MOTORCYCLE_CAMERA),
    )
