"""A robust fit of scale and shift: random pairs, then reweighted least squares.

First hypotheses from pairs of known values, drawn with a fixed seed; the one whose median error is
least tells how large errors are (Rousseeuw 1984, *Least Median of Squares Regression*): up to half
of what is known may be wrong. The one that fits best within such errors wins (Torr and Zisserman
2000, *MLESAC*). Then Gauss-Newton steps over its inliers with Huber's weights (Huber 1981, *Robust
Statistics*, chapter 7).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vizion3d.core.arrays import BoolArray
from vizion3d.geometry.alignment.equations import Line, Problem, Rows, Sums

Array = NDArray[np.float64]

NOISE = 0.01
"""Relative error below which nothing is trusted to be, neither what is known nor a network."""

_SEED = 16
_PAIRS = 256
_JUDGES = 2048
_SAMPLE = 1 << 15
_CUTOFF = 2.5
_HUBER = 1.345
_MAD_TO_SIGMA = 1.4826
_STEPS = 20
_CONVERGED = 1e-12
_UPSIDE_DOWN = 0.25


@dataclass(frozen=True)
class Fit:
    """A line, its covariance ``(2, 2)``, the median error, which errors are small enough to belong
    to it, and whether it was held back."""

    line: Line
    covariance: Array
    median_error: float
    inlier: BoolArray
    bounded: bool


def fit_line(problem: Problem) -> Fit:
    """Fit slope and offset; deterministic."""
    rng = np.random.default_rng(_SEED)
    count = len(problem.x)
    sample: slice | NDArray[np.intp] = slice(None)
    if count > _SAMPLE:
        sample = rng.choice(count, _SAMPLE, replace=False)
    middle = float(np.median(problem.target[sample])) if count else 1.0
    rows = Rows.of(problem, sample, middle)
    line, sigma = _best_hypothesis(problem, rows, rng)
    cutoff = _CUTOFF * max(sigma, NOISE)
    step = _step(problem, rows, rows, line, cutoff)
    for _ in range(_STEPS):
        before, line = line, step.line
        moved = abs(line.slope - before.slope) + abs(line.offset - before.offset)
        if moved <= _CONVERGED * (abs(line.slope) + abs(line.offset)):
            break
        step = _step(problem, rows, rows, line, cutoff)
    if count > _SAMPLE:
        every = Rows.of(problem, slice(None), middle)
        step = _step(problem, every, rows, step.line, cutoff)
    else:
        every = rows
    line, of_lengths = step.line, problem.length_errors(step.line)
    typical = np.median(np.abs(np.concatenate((rows.errors(line), of_lengths))))
    within = np.abs(np.concatenate((every.errors(line), of_lengths))) <= cutoff
    margin = line.slope * problem.lowest + line.offset - problem.floor
    bounded = problem.with_offset and margin <= 1e-9 * abs(line.offset)
    return Fit(line, step.covariance, float(typical), within, bounded)


def _best_hypothesis(problem: Problem, rows: Rows, rng: np.random.Generator) -> tuple[Line, float]:
    """The line of least median error, and the standard deviation that this error speaks of."""
    judges = Rows.of(problem, rng.permutation(len(rows.x))[:_JUDGES], rows.middle)
    slopes, offsets = _hypotheses(problem, judges, rng)
    if problem.with_offset and len(judges.x):
        slopes, offsets = _held(problem, slopes, offsets, float(np.median(judges.x)))
    by_slope, by_offset, constant = judges.scaled()
    errors = slopes[:, None] * by_slope + offsets[:, None] * by_offset - constant
    if problem.lengths:
        lines = [Line(*pair) for pair in zip(slopes.tolist(), offsets.tolist(), strict=True)]
        of_lengths = np.stack([problem.length_errors(line) for line in lines])
        errors = np.concatenate((errors, of_lengths), axis=1)
    known, free = errors.shape[1], problem.parameters
    half = min(known, (known + free + 1) // 2)
    size = np.abs(errors)
    median = np.partition(size, half - 1, axis=1)[:, half - 1]
    sigma = (
        _MAD_TO_SIGMA * (1 + 5 / max(1, known - free)) * float(median[slopes > 0].min(initial=1))
    )
    # The least median says what the noise is; what counts is how well a line fits all within it.
    cost = np.square(np.minimum(size, _CUTOFF * max(sigma, NOISE))).mean(axis=1)
    # Only knowledge that clearly says so turns depth upside down.
    best = int(np.where(slopes > 0, cost, cost / _UPSIDE_DOWN + 1e-12).argmin())
    return Line(float(slopes[best]), float(offsets[best])), sigma


def _hypotheses(problem: Problem, judges: Rows, rng: np.random.Generator) -> tuple[Array, Array]:
    """Lines through pairs of known depths, the one that fits all of them by least squares, and
    lines that fit one known length each."""
    x, target = judges.x, judges.target
    slopes, offsets = _through(x, target, rng, problem.with_offset)
    if problem.lengths:
        more = _from_lengths(problem)
        slopes, offsets = (
            np.concatenate(pair) for pair in zip((slopes, offsets), more, strict=True)
        )
    if not len(slopes):  # all at one value: any line through their middle
        slopes, offsets = np.zeros(1), np.array([np.median(target) if len(target) else 1.0])
    return slopes, offsets


def _held(problem: Problem, slopes: Array, offsets: Array, pivot: float) -> tuple[Array, Array]:
    """Lines that fall below the floor turned about their middle until they do not."""
    low = (slopes > 0) & (slopes * problem.lowest + offsets < problem.floor)
    level = np.maximum(slopes * pivot + offsets, problem.floor)
    turned = (level - problem.floor) / max(pivot - problem.lowest, 1e-9)
    slopes = np.where(low, turned, slopes)
    return slopes, np.where(low, problem.floor - turned * problem.lowest, offsets)


def _through(
    x: Array, target: Array, rng: np.random.Generator, with_offset: bool
) -> tuple[Array, Array]:
    if not with_offset:
        usable = x > 0
        slopes = (target[usable] / x[usable])[:_PAIRS]
        return slopes, np.zeros_like(slopes)
    count = len(x)
    if count * (count - 1) // 2 <= _PAIRS:
        first, second = np.triu_indices(count, 1)
    else:
        first, second = rng.integers(0, count, (2, _PAIRS))
    apart = np.abs(x[first] - x[second]) > 1e-9
    first, second = first[apart], second[apart]
    slopes = (target[first] - target[second]) / (x[first] - x[second])
    offsets = target[first] - slopes * x[first]
    if len(slopes) > 1:
        slope, offset = np.polyfit(x, target, 1, w=1 / (target + np.median(target)))
        slopes, offsets = np.append(slopes, slope), np.append(offsets, offset)
    return slopes, offsets


def _from_lengths(problem: Problem) -> tuple[Array, Array]:
    """For offsets over slopes all the way from the lowest allowed: the slope that each length asks.

    Lengths are proportional to depth, so for a given ratio of offset and slope each length says
    what the slope is.
    """
    ratios = -problem.lowest + np.logspace(-2, 3, 64) if problem.with_offset else np.zeros(1)
    known = np.concatenate([each.known_m for each in problem.lengths])
    slopes, offsets = [], []
    for ratio in ratios.tolist():
        unit = known * np.exp(problem.length_errors(Line(1.0, ratio)))
        slope = known / unit if problem.space == "depth" else unit / known
        slopes.append(slope)
        offsets.append(slope * ratio)
    return np.concatenate(slopes), np.concatenate(offsets)


@dataclass(frozen=True)
class _Step:
    line: Line
    covariance: Array


def _step(problem: Problem, rows: Rows, sample: Rows, line: Line, cutoff: float) -> _Step:
    """One step of reweighted least squares over the values within the cutoff.

    ``sample`` are those of the rows whose median error is looked at.
    """
    of_lengths, length_weights = problem.length_errors(line), problem.length_weights
    size = np.abs(np.concatenate((sample.errors(line), of_lengths)))
    within = size <= cutoff
    limit = _HUBER * _MAD_TO_SIGMA * float(np.median(size[within])) if within.any() else 0.0
    limit = max(limit, 1e-12)
    sums = Sums.of_rows(rows, line, cutoff, limit)
    if problem.lengths:
        jacobian = _length_jacobian(problem, line)
        sums.add(jacobian[:, 0], jacobian[:, 1], of_lengths, length_weights, cutoff, limit)
    free = slice(0, problem.parameters)
    move = np.zeros(2)
    move[free] = np.linalg.lstsq(sums.normal[free, free], -sums.gradient[free], rcond=1e-15)[0]
    moved = Line(line.slope + float(move[0]), line.offset + float(move[1]))
    held = _hold(problem, moved, sums.normal)
    covariance = np.zeros((2, 2))
    spread = max(sums.deviation(problem.parameters), NOISE)
    covariance[free, free] = _inverse(sums.plain[free, free]) * spread**2
    return _Step(held, covariance)


def _length_jacobian(problem: Problem, line: Line) -> Array:
    """Derivatives of the lengths' errors, by differences: ``(K, 2)``."""
    if not problem.lengths:
        return np.empty((0, 2))
    by = 1e-6 * max(abs(line.slope), abs(line.offset), 1e-9)
    ends = (
        (Line(line.slope + by, line.offset), Line(line.slope - by, line.offset)),
        (Line(line.slope, line.offset + by), Line(line.slope, line.offset - by)),
    )
    columns = [
        (problem.length_errors(ahead) - problem.length_errors(behind)) / (2 * by)
        for ahead, behind in ends
    ]
    return np.stack(columns, axis=1)


def _hold(problem: Problem, line: Line, normal: Array) -> Line:
    """The nearest line, as least squares measures nearness, that stays above the floor."""
    lowest, floor = problem.lowest, problem.floor
    if line.slope * lowest + line.offset >= floor or line.slope < 0:
        return line
    if not problem.with_offset:
        return line
    # On the bound, offset = floor - slope * lowest: one free parameter along (1, -lowest).
    along = np.array([1.0, -lowest])
    start = np.array([0.0, floor])
    aim = np.array([line.slope, line.offset])
    curvature = float(along @ normal @ along)
    slope = float(along @ normal @ (aim - start)) / curvature if curvature > 0 else line.slope
    slope = max(slope, 0.0)
    return Line(slope, floor - slope * lowest)


def _inverse(matrix: Array) -> Array:
    """The inverse, or one of boundless variance where nothing is determined."""
    tiny = 1e-12 * max(float(np.trace(matrix)), 1e-300)
    return np.asarray(np.linalg.inv(matrix + tiny * np.eye(len(matrix))), np.float64)
