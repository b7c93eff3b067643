"""The camera's motion between two frames, from optical flow and depth up to scale and shift.

For a still point at inverse depth y, a camera that moves by t and turns by w (both small) sees the
flow ``y A t + B w`` (Longuet-Higgins and Prazdny 1980, *The Interpretation of a Moving Retinal
Image*). With an inverse depth that lacks a shift c, ``(y + c) A t + B w``: linear in t, w and c t.
"""

import numpy as np
from numpy.typing import NDArray

from vizion3d.core.arrays import BoolArray, Float32Array

Array = NDArray[np.float64]

_PIXELS, _SEED, _ROUNDS = 1500, 16, 5
_STILL_PX, _CUTOFF = 0.35, 4.0
_LEAST_MOTION_PX = 0.25
_RIDGE = 1e-3
_MOST_SHIFT = 5.0


def follow_camera(
    inverse: Float32Array, flow: Float32Array, usable: BoolArray
) -> tuple[Float32Array, BoolArray]:
    """The inverse depth of still points as the camera sees it now, and which pixels are still.

    Args:
        inverse: Inverse depth up to scale and shift at each pixel of this frame, as it was in the
            frame before, ``(H, W)``.
        flow: From each pixel of this frame to where it was in the frame before, in pixels,
            ``(H, W, 2)``.
        usable: Pixels where both can be relied on.

    Returns:
        The inverse depth now, in the same unit, and where the flow is what the camera's motion
        explains.
    """
    height, width = inverse.shape
    focal_px = float(max(height, width))  # only rotation depends on it, and little
    still: BoolArray = np.ones(inverse.shape, np.bool_)
    chosen = np.flatnonzero(usable)
    speed = np.hypot(flow[..., 0], flow[..., 1])
    if len(chosen) < 50 or float(np.median(speed[usable])) < _LEAST_MOTION_PX:
        still = speed < max(2 * _LEAST_MOTION_PX, _STILL_PX)
        return inverse, still
    rng = np.random.default_rng(_SEED)
    some = rng.choice(chosen, min(_PIXELS, len(chosen)), replace=False)
    middle, spread = float(inverse[usable].mean()), float(inverse[usable].std()) or 1.0
    y = (inverse - middle) / spread
    rows = _equations(some, y.ravel()[some].astype(np.float64), width, height, focal_px)
    # Flow leads back to the frame before: the motion of points from then to now is its opposite.
    motion = _solve(rows, -flow.reshape(-1, 2)[some].astype(np.float64) / focal_px)
    everywhere = np.arange(height * width)
    full = _equations(everywhere, y.ravel().astype(np.float64), width, height, focal_px)
    off = (full @ motion).reshape(height, width, 2) * focal_px + flow
    error = np.hypot(off[..., 0], off[..., 1])
    still = error < max(_STILL_PX, _CUTOFF * float(np.median(error[usable])))
    return _approach(y, motion, (width, height, focal_px)) * np.float32(spread) + np.float32(
        middle
    ), still


def _equations(
    pixels: NDArray[np.intp], y: Array, width: int, height: int, focal_px: float
) -> Array:
    """``(N, 2, 9)``: what t, w and c t are multiplied by in the flow of each pixel."""
    x1 = (pixels % width - (width - 1) / 2) / focal_px
    x2 = (pixels // width - (height - 1) / 2) / focal_px
    zero, one = np.zeros_like(x1), np.ones_like(x1)
    by_t = np.stack((np.stack((-one, zero, x1), -1), np.stack((zero, -one, x2), -1)), axis=1)
    by_w = np.stack(
        (
            np.stack((x1 * x2, -(1 + x1**2), x2), -1),
            np.stack((1 + x2**2, -x1 * x2, -x1), -1),
        ),
        axis=1,
    )
    return np.concatenate((y[:, None, None] * by_t, by_w, by_t), axis=-1)


def _solve(rows: Array, flow: Array) -> Array:
    """Robust least squares: ``(t, w, c t)``, 9 numbers."""
    weights = np.ones(len(rows))
    motion = np.zeros(9)
    for _ in range(_ROUNDS):
        weighted = rows * weights[:, None, None]
        normal = np.einsum("nij,nik->jk", weighted, rows)
        # What the flow does not tell stays 0.
        normal += _RIDGE * np.diag(np.diag(normal)) + 1e-12 * np.eye(9)
        motion = np.linalg.solve(normal, np.einsum("nij,ni->j", weighted, flow))
        off = np.linalg.norm(rows @ motion - flow, axis=1)
        scale = max(1.4826 * float(np.median(off)), 1e-6)
        weights = 1 / (1 + (off / scale) ** 2) ** 2
    return motion


def _approach(y: Float32Array, motion: Array, camera: tuple[int, int, float]) -> Float32Array:
    """Inverse depth after the motion: ``y' = y / (1 - y t_z - turn)``, of true inverse depth."""
    width, height, focal_px = camera
    t, w, ct = motion[:3], motion[3:6], motion[6:]
    length = float(t @ t)
    # True inverse depth is positive, and the farthest part of a scene is seldom far off 0.
    least = 0.05 - float(np.percentile(y, 2))
    shift = float(np.clip(float(ct @ t) / max(length, 1e-12), least, least + _MOST_SHIFT))
    true = y.astype(np.float64) + shift
    x1 = (np.arange(width) - (width - 1) / 2) / focal_px
    x2 = (np.arange(height) - (height - 1) / 2) / focal_px
    turn = w[0] * x2[:, None] - w[1] * x1[None, :]
    change = np.clip(-true * t[2] - turn, -0.3, 0.3)
    moved = true / (1 + change)
    return np.asarray(moved - shift, np.float32)
