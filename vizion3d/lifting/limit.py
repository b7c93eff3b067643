"""Where a point cloud ends."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DepthLimit:
    """Where a point cloud ends.

    Attributes:
        metres: Points at or beyond this distance are left out.
        source: Who says so: ``"given"``, ``"range of the checkpoint"``, or ``"default"``.
    """

    metres: float
    source: str
