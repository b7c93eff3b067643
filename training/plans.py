"""The training runs that `training.train` offers."""

from dataclasses import dataclass

from training.data import Stage


@dataclass(frozen=True)
class Plan:
    """One training run: how many images, in which stages, with which settings.

    Attributes:
        images: Length of the run.
        reuse: How often each rendered image is used.
        capacity: Shards of images kept.
        ema_images: Span of the exponential average of the weights.
        decoder_rate: Learning rate of the decoder.
        encoder_rate: The encoder's, as a share of each tensor's root mean square.
        pull: Share of the way back to its first weights that the encoder goes in each step at the
            full rate.
        relative_weight: Of the relative loss, beside the fitted one.
        decay: Last share of the run, over which the rate falls to 0.
    """

    images: int
    stages: tuple[Stage, ...]
    reuse: int
    capacity: int
    ema_images: int
    decoder_rate: float = 1e-3
    encoder_rate: float = 1.5e-3
    weight_decay: float = 0.02
    pull: float = 0.003
    relative_weight: float = 0.5
    warmup: float = 0.02
    decay: float = 0.4


_RENDERED = (192, 256)
_SMALL = ((128, 192), (128, 192), (192, 128))
_LARGE = ((192, 256), (192, 256), (256, 192))

PLANS = {
    "cpu": Plan(
        images=7_000,
        stages=(
            Stage(0.8, _RENDERED, _SMALL, 8, 0.5),
            Stage(0.2, _RENDERED, _LARGE, 8, 0.5),
        ),
        reuse=6,
        capacity=100,
        ema_images=1500,
    ),
    "cuda": Plan(
        images=129_500,
        stages=(
            Stage(0.65, _RENDERED, _LARGE, 32, 0.5),
            Stage(0.35, (336, 448), ((320, 416), (320, 416), (416, 320)), 32, 0.5),
        ),
        reuse=1,
        capacity=0,
        ema_images=8_000,
        pull=0.001,
    ),
    # A few seconds, for tests.
    "tiny": Plan(
        images=48,
        stages=(Stage(1.0, (64, 72), ((64, 64),), 4, 0.1),),
        reuse=1,
        capacity=0,
        ema_images=1000,
    ),
}
