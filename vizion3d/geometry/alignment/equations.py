"""The equations of a fit of slope and offset.

An error is relative near the middle of what is known: ``e = (fitted - known) / g`` with
``g = (known + median known) / 2``, in the space of the fit. So it is a share of the value for large
values, and a constant for small ones, which is how networks and rulers err.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vizion3d.geometry.alignment.model import Space
from vizion3d.geometry.alignment.observations import Lengths, Observations

Array = NDArray[np.float64]

_BLOCK = 1 << 13
"""Short enough for the cache, and for BLAS not to wake its threads for it."""


@dataclass(frozen=True)
class Line:
    """``target = slope * x + offset``; the offset stays 0 if it is not free."""

    slope: float
    offset: float


@dataclass(frozen=True)
class Problem:
    """A fit to be done, in numbers of moderate size.

    Attributes:
        x: Values of the network, ``(N,)``, less ``middle``, over ``spread``.
        target: What the line should give there: inverse depths or depths, positive, ``(N,)``.
        weights: ``(N,)``.
        lengths: What else is known.
        space: What the line gives.
        middle, spread: How values of the network become ``x``.
        lowest: The image's least ``x``.
        floor: What the line may give at least there.
        with_offset: Whether the offset is free.
    """

    x: Array
    target: Array
    weights: Array
    lengths: tuple[Lengths, ...]
    space: Space
    middle: float
    spread: float
    lowest: float
    floor: float
    with_offset: bool

    @classmethod
    def of(
        cls,
        observations: Observations,
        space: Space,
        middle: float,
        spread: float,
        lowest: float,
        floor: float,
        with_offset: bool,
    ) -> "Problem":
        """State a fit in numbers of moderate size.

        Args:
            observations: What is known.
            space: What the line gives: depths, or inverse depths.
            middle, spread: What the network's values are shifted and scaled by.
            lowest: The image's least value of the network.
            floor: What the line may give at least there.
            with_offset: Whether the offset is free.
        """
        target = observations.depth_m if space == "depth" else 1 / observations.depth_m
        return cls(
            x=(observations.values - middle) / spread,
            target=target,
            weights=observations.weights,
            lengths=observations.lengths,
            space=space,
            middle=middle,
            spread=spread,
            lowest=(lowest - middle) / spread,
            floor=floor,
            with_offset=with_offset,
        )

    @property
    def parameters(self) -> int:
        """How many numbers are fitted: 2 with a free offset, else 1."""
        return 2 if self.with_offset else 1

    def to_depth(self, line: Line) -> Callable[[Array], Array]:
        """What turns the network's values into depths."""

        scale = line.slope / self.spread
        shift = line.offset - scale * self.middle

        def convert(values: Array) -> Array:
            affine = values * scale
            affine += shift
            np.maximum(affine, self.floor, out=affine)
            return affine if self.space == "depth" else np.reciprocal(affine, out=affine)

        return convert

    def length_errors(self, line: Line) -> Array:
        """Logarithms of fitted over known lengths."""
        if not self.lengths:
            return np.empty(0)
        to_depth = self.to_depth(line)
        fitted = np.concatenate([each.predict(to_depth) for each in self.lengths])
        known = np.concatenate([each.known_m for each in self.lengths])
        errors: Array = np.log(np.maximum(fitted, 1e-12) / known)
        return errors

    @property
    def length_weights(self) -> Array:
        """``(N,)``, in the order of ``length_errors``."""
        return np.concatenate([np.empty(0), *(each.weights for each in self.lengths)])


@dataclass(frozen=True)
class Rows:
    """The equations of some of the known depths: ``e = (slope x + offset - target) / g``."""

    x: Array
    target: Array
    weights: Array
    middle: float

    @classmethod
    def of(cls, problem: Problem, chosen: "slice | NDArray[np.intp]", middle: float) -> "Rows":
        """The equations of the observations that ``chosen`` picks, about ``middle``."""
        return cls(problem.x[chosen], problem.target[chosen], problem.weights[chosen], middle)

    def blocks(self) -> "Iterator[Rows]":
        """Parts that stay in the cache while they are worked on."""
        for start in range(0, len(self.x), _BLOCK):
            part = slice(start, start + _BLOCK)
            yield Rows(self.x[part], self.target[part], self.weights[part], self.middle)

    def scaled(self) -> tuple[Array, Array, Array]:
        """What slope, offset and 1 are multiplied by in ``e``."""
        by_offset = 2 / (self.target + self.middle)
        return self.x * by_offset, by_offset, self.target * by_offset

    def errors(self, line: Line) -> Array:
        """Errors of ``line``, ``(N,)``, relative near the middle of what is known."""
        errors = np.empty(len(self.x))
        for start, block in zip(range(0, len(errors), _BLOCK), self.blocks(), strict=True):
            by_slope, by_offset, constant = block.scaled()
            part = errors[start : start + _BLOCK]
            np.multiply(by_slope, line.slope, out=part)
            part += by_offset * line.offset
            part -= constant
        return errors


class Sums:
    """What least squares needs of all equations.

    Attributes:
        normal, gradient: Of the weighted squares, ``(2, 2)`` and ``(2,)``.
        plain: As ``normal`` without Huber's weights, so that they do not pass for knowledge that
            is less exact.
    """

    def __init__(self) -> None:
        self.normal, self.plain = np.zeros((2, 2)), np.zeros((2, 2))
        self.gradient = np.zeros(2)
        self._clipped, self._inside, self._within = 0.0, 0, 0

    @classmethod
    def of_rows(cls, rows: Rows, line: Line, cutoff: float, limit: float) -> "Sums":
        """Add up all of ``rows`` at ``line``.

        Args:
            rows: The equations.
            line: Where the errors are taken.
            cutoff: Errors larger than this do not count.
            limit: Errors larger than this count by their size, not by its square (Huber).
        """
        sums = cls()
        for block in rows.blocks():
            by_slope, by_offset, constant = block.scaled()
            errors = by_slope * line.slope
            errors += by_offset * line.offset
            errors -= constant
            sums.add(by_slope, by_offset, errors, block.weights, cutoff, limit)
        return sums

    def add(
        self,
        by_slope: Array,
        by_offset: Array,
        errors: Array,
        weights: Array,
        cutoff: float,
        limit: float,
    ) -> None:
        """Add equations, each ``(N,)``: factors of slope and offset, errors and weights.

        Errors beyond ``cutoff`` do not count; those beyond ``limit`` have Huber's lower weight.
        """
        size = np.abs(errors)
        within = size <= cutoff
        prior = weights * within
        huber = prior * np.minimum(1, limit / np.maximum(size, limit))
        for matrix, weight in ((self.normal, huber), (self.plain, prior)):
            slope, offset = weight * by_slope, weight * by_offset
            both = slope @ by_offset
            matrix += [[slope @ by_slope, both], [both, offset @ by_offset]]
            if matrix is self.normal:
                self.gradient += [slope @ errors, offset @ errors]
        clipped = np.minimum(size, limit) * within
        self._clipped += float(clipped @ clipped)
        self._inside += int(np.count_nonzero(size <= limit))
        self._within += int(np.count_nonzero(within))

    def deviation(self, parameters: int) -> float:
        """Standard deviation of the errors, from Huber's estimate of the fit's own variance."""
        freedom = self._within - parameters
        if freedom <= 0:
            return 0.0
        return float(np.sqrt(self._clipped / freedom)) / max(self._inside / self._within, 0.1)
