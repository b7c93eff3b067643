"""A picture of a point cloud from a camera beside the one that took the photo."""

import math

import numpy as np
from numpy.typing import NDArray

from vizion3d.geometry.cameras import CameraIntrinsics
from vizion3d.geometry.projection import project

BACKGROUND = (24, 26, 30)


def render_view(
    points: NDArray[np.float32],
    colors: NDArray[np.uint8],
    intrinsics: CameraIntrinsics,
    yaw_deg: float = 20.0,
    pitch_deg: float = -10.0,
    point_px: int = 2,
) -> NDArray[np.uint8]:
    """Draw the cloud with a depth buffer, orbited about its median point.

    Args:
        points: ``(N, 3)`` in the camera's frame (x right, y down, z forward).
        colors: uint8 ``(N, 3)``, RGB.
        intrinsics: The camera; the picture has its size.
        yaw_deg: Orbit to the right, in degrees.
        pitch_deg: Orbit downwards; negative looks from above.
        point_px: Side of the square that each point covers, in pixels.

    Returns:
        uint8 ``(H, W, 3)``, RGB; what no point covers is dark.
    """
    height, width = intrinsics.height_px, intrinsics.width_px
    picture = np.full((height * width, 3), BACKGROUND, np.uint8)
    if len(points):
        pivot = np.median(points, axis=0)
        turned = (points - pivot) @ _orbit(yaw_deg, pitch_deg).T + pivot
        front = turned[:, 2] > 1e-6
        column, row = np.rint(project(turned[front], intrinsics)).astype(np.int64).T
        order = np.argsort(-turned[front, 2])  # the closest is painted last
        column, row, shade = column[order], row[order], colors[front][order]
        for dy in range(point_px):
            for dx in range(point_px):
                u, v = column + dx, row + dy
                inside = (u >= 0) & (u < width) & (v >= 0) & (v < height)
                picture[v[inside] * width + u[inside]] = shade[inside]
    return picture.reshape(height, width, 3)


def _orbit(yaw_deg: float, pitch_deg: float) -> NDArray[np.float32]:
    yaw, pitch = math.radians(yaw_deg), math.radians(pitch_deg)
    about_y = [[math.cos(yaw), 0, math.sin(yaw)], [0, 1, 0], [-math.sin(yaw), 0, math.cos(yaw)]]
    about_x = [
        [1, 0, 0],
        [0, math.cos(pitch), -math.sin(pitch)],
        [0, math.sin(pitch), math.cos(pitch)],
    ]
    rotation: NDArray[np.float32] = np.array(about_x, np.float32) @ np.array(about_y, np.float32)
    return rotation
