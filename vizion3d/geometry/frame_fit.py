"""What steadying a video makes of one frame."""

from dataclasses import dataclass

import numpy as np

from vizion3d.core.arrays import Float32Array


@dataclass(frozen=True)
class FrameFit:
    """What a frame's depth is multiplied by, and what is added.

    Attributes:
        scale: Positive.
        shift: In the reference's unit, which is that of the shot's first frame.
        new_shot: Whether a shot begins with this frame: scale 1, shift 0.
        share: Share of the pixels that the fit rests on; 0 for the first frame of a shot.
        low: The depth, in the shot's unit, that every frame's cloud has at ``depth_trunc``.
        high: The depth that it has at ``depth_near``. Both are those of the shot's first frame,
            until a frame goes far beyond them.
    """

    scale: float
    shift: float
    new_shot: bool
    share: float
    low: float
    high: float

    def apply(self, raw_depth: Float32Array) -> Float32Array:
        """The frame's depth in the unit of its shot, float32 ``(H, W)``."""
        return raw_depth * np.float32(self.scale) + np.float32(self.shift)

    @property
    def range(self) -> tuple[float, float]:
        """``low`` and ``high``."""
        return self.low, self.high
