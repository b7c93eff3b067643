"""The camera's motion between two frames, from optical flow and depth up to scale and shift.

For a still point at inverse depth y, a camera that moves by t and turns by w (both small) sees the
flow ``y A t + B w`` (Longuet-Higgins and Prazdny 1980, *The Interpretation of a Moving Retinal
Image*). With an inverse depth that lacks a shift c, ``(y + c) A t + B w``: linear in t, w and c t.
So a film in which the camera moves tells the shift, which stays the same throughout a shot.
"""

import numpy as np
from numpy.typing import NDArray

from vizion3d.core.arrays import BoolArray, Float32Array

Array = NDArray[np.float64]

_PIXELS, _SEED, _ROUNDS = 2000, 16, 5
_STILL_PX, _CUTOFF = 0.5, 4.0
_LEAST_MOTION_PX = 0.25
_FORGET = 0.98
_MOST_SHIFT = 5.0


class CameraFollower:
    """Follows the camera through a shot.

    Args:
        inverse: Inverse depth up to scale and shift of the shot's first frame, ``(H, W)``.
    """

    def __init__(self, inverse: Float32Array) -> None:
        self._unit = float(np.std(inverse)) or 1.0
        self._rng = np.random.default_rng(_SEED)
        # Sums of (c t) t and t t over the frames; the start is worth half a pixel of parallax.
        self._shift_sum, self._motion_sum = 0.0, (0.5 / max(inverse.shape)) ** 2

    def follow(
        self, inverse: Float32Array, flow: Float32Array, usable: BoolArray
    ) -> tuple[Float32Array, BoolArray]:
        """The inverse depth of still points as the camera sees it now, and which pixels are still.

        Args:
            inverse: In the shot's unit, at each pixel of this frame as it was in the frame before,
                ``(H, W)``.
            flow: From each pixel of this frame to where it was in the frame before, in pixels,
                ``(H, W, 2)``.
            usable: Pixels where both can be relied on.

        Returns:
            The inverse depth now, in the same unit, and where the flow is what the camera's motion
            explains.
        """
        height, width = inverse.shape
        speed = np.hypot(flow[..., 0], flow[..., 1])
        chosen = np.flatnonzero(usable)
        if len(chosen) < 50 or float(np.median(speed[usable])) < _LEAST_MOTION_PX:
            return inverse, speed < _STILL_PX
        some = self._rng.choice(chosen, min(_PIXELS, len(chosen)), replace=False)
        rays = _Rays(width, height)
        y = inverse.astype(np.float64) / self._unit
        # Flow leads back to the frame before: points moved the opposite way since then.
        moved = -flow.reshape(-1, 2).astype(np.float64) / rays.focal_px
        shift = self._shift(y, rays, moved, some)
        true = y + shift
        motion = _solve(rays.equations(true.ravel(), some), moved[some])
        everywhere = np.arange(height * width)
        expected = rays.equations(true.ravel(), everywhere) @ motion
        off = np.linalg.norm(expected - moved, axis=1).reshape(height, width) * rays.focal_px
        still: BoolArray = off < max(_STILL_PX, _CUTOFF * float(np.median(off[usable])))
        now = (true / (1 - rays.approach(true, motion)) - shift) * self._unit
        return now.astype(np.float32), still

    def _shift(self, y: Array, rays: "_Rays", moved: Array, some: NDArray[np.intp]) -> float:
        """What is added to ``y`` for 0 to be infinitely far, by all frames so far."""
        rows = rays.equations(y.ravel(), some)
        motion = _solve(np.concatenate((rows, rays.equations(None, some)), axis=-1), moved[some])
        t, of_shift = motion[:3], motion[6:]
        self._shift_sum = _FORGET * self._shift_sum + float(of_shift @ t)
        self._motion_sum = _FORGET * self._motion_sum + float(t @ t)
        # True inverse depth is positive, and the farthest part of a scene is seldom far off 0.
        least = 0.05 - float(np.percentile(y, 2))
        return float(np.clip(self._shift_sum / self._motion_sum, least, least + _MOST_SHIFT))


class _Rays:
    """The pixels of an image. The focal length only matters to how rotation is told: about one
    width."""

    def __init__(self, width: int, height: int) -> None:
        self.focal_px = float(max(height, width))
        x1 = (np.arange(width) - (width - 1) / 2) / self.focal_px
        x2 = (np.arange(height) - (height - 1) / 2) / self.focal_px
        self._x1, self._x2 = (each.ravel() for each in np.meshgrid(x1, x2))
        self._shape = height, width

    def equations(self, y: Array | None, pixels: NDArray[np.intp]) -> Array:
        """``(N, 2, 6)``: what t and w are multiplied by in the flow; without y, t of c t alone."""
        x1, x2 = self._x1[pixels], self._x2[pixels]
        zero, one = np.zeros_like(x1), np.ones_like(x1)
        by_t = np.stack((np.stack((-one, zero, x1), -1), np.stack((zero, -one, x2), -1)), axis=1)
        if y is None:
            return by_t
        first = np.stack((x1 * x2, -(1 + x1**2), x2), -1)
        second = np.stack((1 + x2**2, -x1 * x2, -x1), -1)
        by_w = np.stack((first, second), axis=1)
        return np.concatenate((y[pixels, None, None] * by_t, by_w), axis=-1)

    def approach(self, y: Array, motion: Array) -> Array:
        """By what share of itself the depth of each pixel shrinks: ``y t_z + w1 x2 - w2 x1``."""
        turn = (motion[3] * self._x2 - motion[4] * self._x1).reshape(self._shape)
        share: Array = np.clip(y * motion[2] + turn, -0.3, 0.3)
        return share


def _solve(rows: Array, flow: Array) -> Array:
    """Robust least squares (Geman and McClure's weights): the motion."""
    count = rows.shape[-1]
    weights, motion = np.ones(len(rows)), np.zeros(count)
    for _ in range(_ROUNDS):
        weighted = rows * weights[:, None, None]
        normal = np.einsum("nij,nik->jk", weighted, rows)
        normal += np.diag(1e-6 * np.diag(normal) + 1e-12)
        motion = np.linalg.solve(normal, np.einsum("nij,ni->j", weighted, flow))
        off = np.linalg.norm(rows @ motion - flow, axis=1)
        scale = max(1.4826 * float(np.median(off)), 1e-6)
        weights = 1 / (1 + (off / scale) ** 2) ** 2
    return motion
