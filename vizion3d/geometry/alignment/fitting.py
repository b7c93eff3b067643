"""The fit of a depth map to what is known of its scene."""

import numpy as np
from numpy.typing import NDArray

from vizion3d.core.arrays import FloatArray
from vizion3d.errors import InvalidConfigError
from vizion3d.geometry.alignment.equations import Problem
from vizion3d.geometry.alignment.knowledge import Knowledge
from vizion3d.geometry.alignment.model import Alignment, Residuals, Space, floor_of
from vizion3d.geometry.alignment.observations import Observations, observe
from vizion3d.geometry.alignment.robust import Fit, fit_line
from vizion3d.geometry.cameras import CameraIntrinsics

_SIGNIFICANT = 2.0
_CONTRADICTION = 0.5
_NONE = np.empty(0)
_SHOWN = 8


def align(
    raw_depth: FloatArray,
    knowledge: Knowledge,
    space: Space,
    intrinsics: CameraIntrinsics | None = None,
    with_shift: bool = True,
) -> Alignment:
    """Fit scale and shift of a network's output to what is known of the scene.

    Args:
        raw_depth: The network's output, finite, ``(H, W)``.
        knowledge: What is known.
        space: In which the output is affine: ``"inverse_depth"`` or ``"depth"``.
        intrinsics: The camera, for images of that size; for distances, planes and heights.
        with_shift: Whether there is a shift to be found; metric depth has a scale at most.

    Raises:
        InvalidConfigError: Nothing is known, what is known lies outside the image, or it
            contradicts itself or the image; the message lists known and fitted metres.
    """
    observations = observe(raw_depth, knowledge, space, intrinsics)
    if not observations.count:
        raise InvalidConfigError(
            "nothing is known of the scene: give points, distances, planes, sparse_depth_m or "
            "camera_height_m"
        )
    lowest, floor = float(raw_depth.min()), floor_of(space)
    if with_shift:
        middle, spread = float(raw_depth.mean()), float(raw_depth.std()) or 1.0
        problem = Problem.of(observations, space, middle, spread, lowest, floor, with_offset=True)
        fit = fit_line(problem)
        slope, deviation = fit.line.slope, float(np.sqrt(fit.covariance[0, 0]))
        if abs(slope) > _SIGNIFICANT * deviation:
            return _result(problem, fit, observations, assumed_shift=False)
    return _scale_only(raw_depth, observations, space, floor, shift_missing=with_shift)


def _scale_only(
    raw_depth: FloatArray,
    observations: Observations,
    space: Space,
    floor: float,
    shift_missing: bool,
) -> Alignment:
    """Fit a scale; the network's own zero (or what lies below its least value) stays zero."""
    lowest, highest = float(raw_depth.min()), float(raw_depth.max())
    zero = 0.0
    if lowest < 0:
        zero = lowest - 0.01 * max(highest - lowest, -lowest)
    spread = (highest - zero) or 1.0
    problem = Problem.of(observations, space, zero, spread, lowest, floor, with_offset=False)
    return _result(problem, fit_line(problem), observations, assumed_shift=shift_missing)


def _result(
    problem: Problem, fit: Fit, observations: Observations, assumed_shift: bool
) -> Alignment:
    line = fit.line
    scale = line.slope / problem.spread
    shift = line.offset - scale * problem.middle
    back = np.array([[1 / problem.spread, 0], [-problem.middle / problem.spread, 1]])
    covariance = back @ fit.covariance @ back.T
    to_depth = problem.to_depth(line)
    lengths = observations.lengths
    known = np.concatenate((observations.depth_m, *(each.known_m for each in lengths)))
    of_lengths = [each.predict(to_depth) for each in lengths]
    if line.slope <= 0 or fit.median_error > _CONTRADICTION:
        fitted = np.concatenate((to_depth(observations.values), *of_lengths))
        raise InvalidConfigError(_contradiction(line.slope, known, fitted))
    depths, rest = np.split(fit.inlier, [len(observations.depth_m)])
    kept = (to_depth(observations.values[depths]), np.concatenate([*of_lengths, _NONE])[rest])
    if assumed_shift:
        covariance = covariance + _unknown_shift(observations, scale, problem)
    return Alignment(
        space=problem.space,
        scale=scale,
        shift=shift,
        fixed=("scale", "shift") if problem.with_offset else ("scale",),
        assumed=("shift",) if assumed_shift else (),
        bounded=fit.bounded,
        variance=(float(covariance[0, 0]), float(covariance[0, 1]), float(covariance[1, 1])),
        known=len(known),
        inliers=int(fit.inlier.sum()),
        residuals=Residuals.of(known[fit.inlier], np.concatenate(kept)),
    )


def _unknown_shift(
    observations: Observations, scale: float, problem: Problem
) -> NDArray[np.float64]:
    """Covariance that comes from a shift that nothing determines.

    Only the depth where something is known is fixed. The scale may be anything from 0 to where the
    farthest pixel would be infinitely far (or the closest at the camera); all of it is taken to be
    equally likely, so its standard deviation is that range over the root of 12.
    """
    values = [observations.values, *(each.values for each in observations.lengths)]
    where = float(np.median(np.concatenate([part.ravel() for part in values])))
    lowest = problem.lowest * problem.spread + problem.middle
    level = scale * (where - problem.middle)
    room = max(where - lowest, 1e-6 * problem.spread)
    deviation = max(level, 0.0) / room / np.sqrt(12)
    direction = np.array([1.0, -where])
    covariance: NDArray[np.float64] = np.outer(direction, direction) * deviation**2
    return covariance


def _contradiction(slope: float, known: NDArray[np.float64], fitted: NDArray[np.float64]) -> str:
    rows = "; ".join(
        f"known {k:.4g} m, fitted {f:.4g} m"
        for k, f in zip(known[:_SHOWN], fitted[:_SHOWN], strict=True)
    )
    more = f"; and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
    why = (
        "what is known says that closer pixels are farther"
        if slope <= 0
        else "most of what is known is far from any fit"
    )
    return f"{why}: check the pixels and the metres ({rows}{more})"
