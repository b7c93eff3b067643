"""One scale and shift for all frames of a shot, so that a depth video does not flicker.

A network without scale gives every frame a scale and a shift of its own. Each frame is fitted to a
running reference, which optical flow carries along (DIS; Kroeger et al. 2016, *Fast Optical Flow
using Dense Inverse Search*) and which the camera's own motion, seen in the same flow, brings closer
where the camera moves forward (:mod:`vizion3d.geometry.egomotion`). What moves by itself is left
out. Only scale and shift of a frame change, so the depth within it stays as it was.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from vizion3d.core.arrays import BoolArray, Float32Array, FloatArray, UInt8Array
from vizion3d.errors import InvalidConfigError
from vizion3d.geometry.egomotion import CameraFollower
from vizion3d.geometry.frame_fit import FrameFit

__all__ = ["FrameFit", "Steadier"]

_SIDE_PX = 256
"""Longer side at which frames are compared, or up to a third more: flow is cheap there, and
thousands of pixels remain."""

_MEMORY = 0.25
"""Share of the newest frame in the reference."""

_LEAK = 0.01
"""Share by which scale and shift go back to the network's own with every frame (a quarter of it, in
effect, since the reference follows): what errors of many fits add up to stays bounded, and nobody
sees it."""

_SAME_GRAY = 14.0
_EDGE = 0.08
_LEAST_SHARE, _LEAST_CORRELATION = 0.12, 0.55
_ROUNDS, _HUBER = 6, 1.345

_FARTHER, _CLOSER = 0.5, 2.0
"""Shares of the shot's range by which a frame goes beyond its ends before it is widened: rarely,
since the clouds before and after do not agree. A shot that fades in needs it. What is farther than
the range has no points; what is closer, a hand before the camera, only comes nearer than
``depth_near``."""


@dataclass
class _Shot:
    """What is kept of a shot: memory does not grow with its length."""

    gray: UInt8Array
    reference: Float32Array
    fit: FrameFit
    camera: CameraFollower


class Steadier:
    """Follows a video frame by frame, without delay."""

    def __init__(self) -> None:
        import cv2

        self._cv2: Any = cv2
        self._flow = self._cv2.DISOpticalFlow_create(self._cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self._shot: _Shot | None = None

    def follow(self, raw_depth: Float32Array, image: UInt8Array) -> FrameFit:
        """The scale and shift of the next frame.

        Args:
            raw_depth: The network's output, float32 ``(H, W)``, affine in inverse depth.
            image: The frame, RGB uint8 ``(H, W, 3)``.

        Raises:
            InvalidConfigError: Depth and frame are not of one size.
        """
        if raw_depth.shape != image.shape[:2]:
            raise InvalidConfigError(
                f"depth of {raw_depth.shape} does not belong to a frame of {image.shape[:2]}"
            )
        gray, depth = self._small(raw_depth, image)
        shot = self._shot
        if shot is None or shot.gray.shape != gray.shape:
            return self._begin(gray, depth, raw_depth)
        flow = self._flow.calc(gray, shot.gray, None)
        columns, rows = _pixel_grid(gray.shape)
        at_u, at_v = columns + flow[..., 0], rows + flow[..., 1]
        before = self._carried(shot.gray, at_u, at_v)
        reference = self._carried(shot.reference, at_u, at_v)
        inside = (at_u >= 0) & (at_u <= gray.shape[1] - 1) & (at_v >= 0) & (at_v <= len(gray) - 1)
        if _is_cut(gray, before, inside):
            return self._begin(gray, depth, raw_depth)
        same = inside & (np.abs(before.astype(np.float32) - gray) < _SAME_GRAY)
        if same.mean() < _LEAST_SHARE:
            return self._begin(gray, depth, raw_depth)
        usable = same & ~self._edges(reference)
        if usable.mean() < _LEAST_SHARE:
            usable = same
        reference, still = shot.camera.follow(reference, flow, usable)
        used = usable & still
        if used.mean() < _LEAST_SHARE:
            used = usable
        share = float(used.mean())
        scale, shift = _fit(depth[used], reference[used], shot.fit.scale)
        scale, shift = scale ** (1 - _LEAK), shift * (1 - _LEAK)
        steady = depth * np.float32(scale) + np.float32(shift)
        low, high = _widened(shot.fit.range, steady)
        fit = FrameFit(scale, shift, new_shot=False, share=share, low=low, high=high)
        # Where the reference was not seen, the frame itself is all there is.
        mixed = np.where(used, reference + _MEMORY * (steady - reference), steady)
        self._shot = _Shot(gray, mixed, fit, shot.camera)
        return fit

    def _begin(self, gray: UInt8Array, depth: Float32Array, raw_depth: Float32Array) -> FrameFit:
        low, high = float(raw_depth.min()), float(raw_depth.max())
        fit = FrameFit(1.0, 0.0, new_shot=True, share=0.0, low=low, high=high)
        self._shot = _Shot(gray, depth, fit, CameraFollower(depth))
        return fit

    def _small(self, depth: Float32Array, image: UInt8Array) -> tuple[UInt8Array, Float32Array]:
        cv2 = self._cv2
        height, width = depth.shape
        factor = max(1.0, max(height, width) / _SIDE_PX)
        cut = slice(None), slice(None)
        if factor >= 3:
            # OpenCV averages whole numbers of pixels several times as fast; the last few are cut.
            factor = int(factor)
            cut = slice(height // factor * factor or None), slice(width // factor * factor or None)
        size = max(16, int(width / factor)), max(16, int(height / factor))
        gray = cv2.cvtColor(
            cv2.resize(image[cut], size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY
        )
        return gray, cv2.resize(depth[cut], size, interpolation=cv2.INTER_AREA)

    def _carried(self, image: FloatArray | UInt8Array, at_u: Any, at_v: Any) -> Any:
        cv2 = self._cv2
        return cv2.remap(image, at_u, at_v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

    def _edges(self, depth: Float32Array) -> BoolArray:
        """Where depth jumps, and the pixels beside: flow and networks are unsure there."""
        cv2 = self._cv2
        smooth = cv2.GaussianBlur(depth, (5, 5), 0)  # noise is no edge
        kernel = np.ones((5, 5), np.uint8)
        jump = cv2.dilate(smooth, kernel) - cv2.erode(smooth, kernel)
        low, high = np.percentile(depth, (2, 98))
        edges: BoolArray = jump > _EDGE * max(high - low, 1e-12)
        return edges


def _pixel_grid(shape: tuple[int, ...]) -> tuple[Float32Array, Float32Array]:
    height, width = shape
    columns, rows = np.meshgrid(
        np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    )
    return columns, rows


def _widened(shot: tuple[float, float], depth: Float32Array) -> tuple[float, float]:
    """The shot's range, or as far as a frame's depth goes, where that is far beyond it."""
    low, high = shot
    least, most = float(depth.min()), float(depth.max())
    size = high - low
    return (
        least if least < low - _FARTHER * size else low,
        most if most > high + _CLOSER * size else high,
    )


def _is_cut(gray: UInt8Array, carried: UInt8Array, inside: BoolArray) -> bool:
    """Whether the frame before does not look like this one, however it is moved."""
    if inside.mean() < _LEAST_SHARE:
        return True
    now, before = gray[inside].astype(np.float32), carried[inside].astype(np.float32)
    now -= now.mean()
    before -= before.mean()
    size = float(np.sqrt((now @ now) * (before @ before)))
    if size < 1.0 * len(now):  # next to no contrast to compare
        return abs(float(gray.mean()) - float(carried.mean())) > 2 * _SAME_GRAY
    return float(now @ before) / size < _LEAST_CORRELATION


def _fit(depth: FloatArray, reference: FloatArray, scale: float) -> tuple[float, float]:
    """Scale and shift from depth to reference, with errors in both (Deming's regression).

    Plain least squares would take the noise of ``depth`` for a smaller slope, frame by frame until
    nothing is left. ``scale`` is the last frame's: the noise of the reference, an average of frames
    that are ``scale`` times the network's, follows from it.
    """
    x, y = depth.astype(np.float64), reference.astype(np.float64)
    ratio = _MEMORY / (2 - _MEMORY) * scale**2
    weights = np.ones_like(x)
    shift = 0.0
    for _ in range(_ROUNDS):
        total = weights.sum()
        mean_x, mean_y = weights @ x / total, weights @ y / total
        off_x, off_y = x - mean_x, y - mean_y
        xx, yy, xy = (
            weights * a @ b / total for a, b in ((off_x, off_x), (off_y, off_y), (off_x, off_y))
        )
        if xy <= 1e-6 * np.sqrt(xx * yy) or xx <= 0:  # no contrast: only the level can be kept
            return scale, float(mean_y - scale * mean_x)
        lead = yy - ratio * xx
        scale = float((lead + np.sqrt(lead**2 + 4 * ratio * xy**2)) / (2 * xy))
        shift = float(mean_y - scale * mean_x)
        off = np.abs(y - scale * x - shift)
        limit = max(_HUBER * 1.4826 * float(np.median(off)), 1e-9 * float(np.abs(y).max()))
        # Huber's weights, and nothing from what is far off: it moved, or was hidden before.
        weights = np.where(off > 4 * limit, 0.0, limit / np.maximum(off, limit))
    return scale, shift
