"""What finds, for each pixel of the left image, its partner in the right one."""

from dataclasses import dataclass
from typing import Protocol

from vizion3d.core.arrays import BoolArray, Float32Array, UInt8Array

FILLED_CONFIDENCE = 0.1
"""Confidence of a pixel that was filled from its neighbours: what the default threshold keeps."""


@dataclass(frozen=True)
class DisparityRange:
    """Where partners are looked for.

    Attributes:
        lowest_px: Least disparity ``x_left - x_right``, of the farthest points; it is negative
            where the principal points differ so.
        highest_px: Largest disparity, of the closest points; above ``lowest_px``.
    """

    lowest_px: int
    highest_px: int

    @property
    def count(self) -> int:
        """How many whole disparities that are."""
        return self.highest_px - self.lowest_px + 1

    def scaled(self, factor: float) -> "DisparityRange":
        """The range in an image that is ``factor`` times as wide; never narrower than asked."""
        from math import ceil, floor

        return DisparityRange(floor(self.lowest_px * factor), ceil(self.highest_px * factor))


@dataclass(frozen=True)
class Match:
    """A matched pair, every array ``(H, W)`` like the left image.

    Attributes:
        disparity: float32, pixels: the left image's ``x`` less the right one's; 0 where not valid.
        valid: Whether there is a partner that can be trusted.
        confidence: float32 in ``[0, 1]``; 0 where not valid.
        visibility: float32 in ``[0, 1]``: 0 where something nearer hides the point from the right
            camera.
    """

    disparity: Float32Array
    valid: BoolArray
    confidence: Float32Array
    visibility: Float32Array


class Matcher(Protocol):
    """Matches a rectified pair: semi-global matching, or a network."""

    def match(self, left: UInt8Array, right: UInt8Array, search: DisparityRange) -> Match:
        """Find the partners.

        Args:
            left: RGB uint8 ``(H, W, 3)``.
            right: The same shape, rectified: partners lie in the same row.
            search: Where to look; a network may look elsewhere as well.
        """
