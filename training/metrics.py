"""How good a predicted inverse depth is, whatever its scale and shift."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

FARTHEST = 100.0
"""Depth, metres, to which depths are clipped before they are compared; the sky is not compared."""


@dataclass(frozen=True)
class Quality:
    """Quality of one image.

    Attributes:
        abs_rel: Mean of (predicted - true) / true depth, without sign; lower is better.
        delta1: Share of pixels whose depths differ by a factor under 1.25; higher is better.
        edges: F1 score of the strongest depth edges, found within 1 % of the image's diagonal;
            higher is better.
    """

    abs_rel: float
    delta1: float
    edges: float


def align(predicted: Array, target: Array, valid: NDArray[np.bool_]) -> Array:
    """The scale and shift of ``predicted`` ``(H, W)`` that fit ``target`` best (least squares)."""
    x, y = predicted[valid], target[valid]
    design = np.stack((x, np.ones_like(x)), axis=1)
    (scale, shift), *_ = np.linalg.lstsq(design, y, rcond=None)
    return np.asarray(predicted * scale + shift)


def vertical_ramp(target: Array) -> Array:
    """The row number: aligned, the best predictor that only knows where in the image a pixel is."""
    rows = np.arange(target.shape[0], dtype=np.float64)[:, None]
    return np.broadcast_to(rows, target.shape)


def constant(target: Array) -> Array:
    return np.zeros_like(target)


def ramp_and_middle(target: Array) -> Array:
    """The row number less the squared distance from the middle column: nearer below, and nearer in
    the middle."""
    h, w = target.shape
    across = (np.arange(w, dtype=np.float64) + 0.5) / w - 0.5
    return np.asarray(np.arange(h, dtype=np.float64)[:, None] / h - across**2)


TRIVIAL: dict[str, Callable[[Array], Array]] = {
    "constant": constant,
    "vertical ramp": vertical_ramp,
    "ramp and middle": ramp_and_middle,
}


def quality(predicted: Array, target: Array, valid: NDArray[np.bool_]) -> Quality:
    """Compare inverse depths ``(H, W)``; ``target`` in 1 / metres, where ``valid``."""
    aligned = align(predicted, target, valid)
    depth = 1 / np.maximum(aligned[valid], 1 / FARTHEST)
    true = 1 / np.maximum(target[valid], 1 / FARTHEST)
    ratio = np.maximum(depth / true, true / depth)
    return Quality(
        abs_rel=float(np.mean(np.abs(depth - true) / true)),
        delta1=float(np.mean(ratio < 1.25)),
        edges=edge_score(aligned, target, valid),
    )


def edge_score(predicted: Array, target: Array, valid: NDArray[np.bool_]) -> float:
    """F1 of depth edges: pixels with a jump of more than a tenth of the image's range of inverse
    depth between neighbours two pixels apart."""
    low, high = np.percentile(target[valid], (2, 98))
    jump = 0.1 * max(high - low, 1e-9)
    reach = max(1, round(0.01 * float(np.hypot(*target.shape))))
    known = valid & ~_grow(~valid, 2)
    ours, theirs = _edges(predicted, jump) & known, _edges(target, jump) & known
    if not theirs.any():
        return float("nan")
    if not ours.any():
        return 0.0
    precision = float((ours & _grow(theirs, reach)).sum() / ours.sum())
    recall = float((theirs & _grow(ours, reach)).sum() / theirs.sum())
    return 2 * precision * recall / max(precision + recall, 1e-9)


def _edges(x: Array, jump: float) -> NDArray[np.bool_]:
    across, down = np.zeros(x.shape, bool), np.zeros(x.shape, bool)
    across[:, 1:-1] = np.abs(x[:, 2:] - x[:, :-2]) > jump
    down[1:-1] = np.abs(x[2:] - x[:-2]) > jump
    return across | down


def _grow(mask: NDArray[np.bool_], by: int) -> NDArray[np.bool_]:
    """Every pixel within ``by`` pixels (along each axis) of the mask."""
    for axis in (0, 1):
        grown = mask.copy()
        for step in range(1, by + 1):
            ahead, behind = np.roll(mask, step, axis), np.roll(mask, -step, axis)
            np.moveaxis(ahead, axis, 0)[:step] = False
            np.moveaxis(behind, axis, 0)[-step:] = False
            grown |= ahead | behind
        mask = grown
    return mask
