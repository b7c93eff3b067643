"""What a fit of scale and shift came to, and what it makes of a depth map."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from vizion3d.core.arrays import Float32Array, FloatArray

Space = Literal["inverse_depth", "depth"]
Parameter = Literal["scale", "shift"]

FARTHEST_M, NEAREST_M = 1e4, 1e-3
"""Depths beyond which no pixel is put: what is farther is infinitely far to any camera."""

_BLOCK = 1 << 16


def floor_of(space: Space) -> float:
    """The least value of the affine space that stands for a depth."""
    return NEAREST_M if space == "depth" else 1 / FARTHEST_M


@dataclass(frozen=True)
class Residuals:
    """How far the fitted depth is from the known one, over the inliers.

    Attributes:
        median_m: Median of the absolute differences, in metres.
        rms_m: Root of the mean squared difference, in metres.
        median_percent: As ``median_m``, in per cent of what is known.
        rms_percent: As ``rms_m``, in per cent of what is known.
    """

    median_m: float
    rms_m: float
    median_percent: float
    rms_percent: float

    @classmethod
    def of(cls, known_m: FloatArray, fitted_m: FloatArray) -> "Residuals":
        """Between arrays ``(N,)``."""
        off = np.abs(fitted_m - known_m)
        share = 100 * off / known_m
        rms_m, rms_percent = (float(np.sqrt(np.mean(np.square(x)))) for x in (off, share))
        median_m, median_percent = (float(np.median(x, overwrite_input=True)) for x in (off, share))
        return cls(median_m, rms_m, median_percent, rms_percent)


@dataclass(frozen=True)
class Alignment:
    """Scale and shift that turn a network's output ``d`` into metres.

    In the space ``"inverse_depth"``: ``1 / z = scale * d + shift``, in 1 / metres. In the space
    ``"depth"``: ``z = scale * d + shift``, in metres.

    Attributes:
        space: In which the output is affine.
        scale: Positive.
        shift: Such that every pixel of the image has a positive depth.
        fixed: What the knowledge has determined.
        assumed: What it could not determine: the shift, taken to be 0 (the network's 0 is then
            infinitely far, or at the camera).
        bounded: Whether the fit had to be held back for every pixel's depth to be positive.
        variance: Of scale and shift and between them: ``(var(scale), cov, var(shift))``.
        known: How many values are known: points, pixels, distances, planes.
        inliers: How many of them the fit holds for.
        residuals: How far the fit is from these.
    """

    space: Space
    scale: float
    shift: float
    fixed: tuple[Parameter, ...]
    assumed: tuple[Parameter, ...]
    bounded: bool
    variance: tuple[float, float, float]
    known: int
    inliers: int
    residuals: Residuals

    def apply(self, raw_depth: FloatArray) -> Float32Array:
        """The depth of each pixel in metres, float32 ``(H, W)``."""
        depth_m = np.empty(raw_depth.shape, np.float32)
        floor = floor_of(self.space)
        raw, out = raw_depth.reshape(-1), depth_m.reshape(-1)
        for start in range(0, len(raw), _BLOCK):  # float64 of a block stays in the cache
            part = slice(start, start + _BLOCK)
            affine = raw[part].astype(np.float64)
            affine *= self.scale
            affine += self.shift
            np.maximum(affine, floor, out=affine)
            out[part] = affine if self.space == "depth" else np.reciprocal(affine, out=affine)
        return depth_m

    def uncertainty(self, depth_m: FloatArray) -> Float32Array:
        """Standard deviation of each depth that comes from the fit, in metres.

        It says how well what is known determines scale and shift, to first order:
        ``var(1/z) = d^2 var(scale) + 2 d cov + var(shift)``. What the network gets wrong at one
        pixel is not in it; the residuals show that.

        Args:
            depth_m: Of :meth:`apply`, any shape.
        """
        affine = depth_m.astype(np.float64)
        if self.space == "inverse_depth":
            affine = 1 / affine
        raw = (affine - self.shift) / self.scale
        of_scale, both, of_shift = self.variance
        deviation = np.sqrt(np.maximum((of_scale * raw + 2 * both) * raw + of_shift, 0))
        if self.space == "inverse_depth":
            deviation /= affine**2
        return np.asarray(deviation, np.float32)

    def describe(self) -> str:
        """The fit in one line: what holds how well, and what could not be determined."""
        r = self.residuals
        text = (
            f"{self.inliers} of {self.known} known values fit, "
            f"median error {r.median_m:.3g} m ({r.median_percent:.2g} %)"
        )
        if self.assumed:
            text += "; the shift is not determined and was assumed: add a distance at another depth"
        if self.bounded:
            text += "; the farthest pixel would be beyond infinity and is held at the limit"
        return text
