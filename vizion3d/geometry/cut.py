"""How much of a depth map becomes points, and what to change where that is little."""

import math
from dataclasses import dataclass

import numpy as np

from vizion3d.core.arrays import BoolArray, FloatArray
from vizion3d.geometry.projection import visible

_LOOKED_AT = 500_000
"""Pixels that are looked at, at most: edges of a larger image are judged on every nth pixel."""

ENOUGH = 0.5
"""Share of the pixels below which it is told why the others have no point."""


@dataclass(frozen=True)
class Cut:
    """What a cloud leaves out.

    Attributes:
        far_m: Points at or beyond this distance are left out.
        far_name: Setting that says so: ``"depth_trunc"``.
        far_option: The same on the command line: ``"--depth-trunc"``.
        edge_threshold: See :func:`vizion3d.geometry.projection.depth_edges`.
    """

    far_m: float
    far_name: str
    far_option: str
    edge_threshold: float | None = None

    def explain(self, depth_m: FloatArray, hidden: BoolArray | None = None) -> str | None:
        """Why less than half of the pixels become points, and what to do; ``None`` if more do.

        Args:
            depth_m: ``(H, W)``, metres; 0 where there is no depth.
            hidden: ``(H, W)``, pixels that have no point whatever the settings say, such as sky.
        """
        step = max(1, math.ceil(math.sqrt(depth_m.size / _LOOKED_AT)))
        looked_at = depth_m[::step, ::step]
        possible = looked_at > 0
        if hidden is not None:
            possible &= ~hidden[::step, ::step]
        kept = visible(looked_at, self.far_m, self.edge_threshold) & possible
        if kept.mean() >= ENOUGH:
            return None
        near = visible(looked_at, self.far_m) & possible
        lost_far, lost_edges = possible.sum() - near.sum(), near.sum() - kept.sum()
        lost_hidden = possible.size - possible.sum()
        head = f"{_count(kept, step)} pixels become points: "
        if lost_far >= max(lost_edges, lost_hidden):
            nearest_m = looked_at[possible].min()
            return (
                f"{head}only {_count(near, step)} are nearer than {self.far_m:g} m "
                f"({self.far_name}), and the nearest is at {nearest_m:.3g} m; raise "
                f"{self.far_name} ({self.far_option})"
            )
        if lost_edges >= lost_hidden:
            return (
                f"{head}depth changes by more than {self.edge_threshold:g} of itself around the "
                "others; raise edge_threshold (--edge-threshold), or leave it out: 0.04 removes "
                "little but flying pixels"
            )
        return f"{head}{_count(~possible, step)} have no depth or show sky"


def _count(mask: BoolArray, step: int) -> str:
    """``"12 of 60,000"``; a share where only every nth pixel was looked at."""
    if step > 1:
        return f"about {100 * np.mean(mask):.3g} % of the"
    return f"{mask.sum():,} of {mask.size:,}"
