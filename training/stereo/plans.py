"""Settings of the runs."""

import math
from dataclasses import dataclass

from training.stereo.data import PairPlan


@dataclass(frozen=True)
class StereoPlan:
    """One run.

    Attributes:
        data: What the pairs are like.
        pairs: Length of the run.
        held_out: Pairs that are kept to measure on.
        ema_steps: Span of the exponential average of the weights.
        seconds: Length of the run by the clock, where that comes first.
        decoder_rate: Learning rate of what is new.
        encoder_rate: The encoder's, as a share of each tensor's root mean square.
    """

    data: PairPlan
    pairs: int
    held_out: int
    ema_steps: int = 300
    seconds: float = math.inf
    decoder_rate: float = 1e-3
    encoder_rate: float = 1e-3
    weight_decay: float = 0.01
    warmup: float = 0.02
    decay: float = 0.5


PLANS = {
    "cuda": StereoPlan(
        PairPlan((384, 768), (288, 544), 16, reuse=2, kept=30), pairs=400_000, held_out=32
    ),
    "cpu": StereoPlan(
        PairPlan((224, 384), (160, 288), 4, reuse=6, kept=200), pairs=20_000, held_out=8
    ),
    # A few seconds, for tests.
    "tiny": StereoPlan(
        PairPlan((64, 120), (64, 96), 2, nearest_px=(5.0, 20.0)), pairs=8, held_out=2
    ),
}
