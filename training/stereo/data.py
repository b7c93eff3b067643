"""Training batches of stereo pairs: rendered large, cut out and made smaller, photographed."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from training.effects import photograph_pair
from training.render import Renderer
from training.render.pairs import Pairs, render_pairs
from training.render.rand import Rand

Size = tuple[int, int]

LARGEST_PX = 191.0
"""Disparities beyond are not learned."""


@dataclass
class Batch:
    """Pairs at the training's size.

    Attributes:
        left, right: ``(B, 3, H, W)`` sRGB in [0, 1].
        disparity: ``(B, H, W)``, pixels.
        valid: ``(B, H, W)``, where the disparity is to be learned.
        seen: ``(B, H, W)``, where the right camera sees the point.
    """

    left: Tensor
    right: Tensor
    disparity: Tensor
    valid: Tensor
    seen: Tensor

    @property
    def count(self) -> int:
        return len(self.left)


@dataclass(frozen=True)
class PairPlan:
    """What the pairs of a run are like.

    Attributes:
        rendered: Size of the rendered images, pixels, multiples of 8.
        trained: Size of the training images, multiples of 32, smaller.
        batch: Pairs of one batch.
        nearest_px: Range of the disparity of the nearest things, in a training image.
        reuse: How often each rendered batch is used.
        kept: Rendered batches that are kept for it.
    """

    rendered: Size
    trained: Size
    batch: int
    nearest_px: tuple[float, float] = (10.0, 180.0)
    reuse: int = 1
    kept: int = 1


class PairSource:
    """Batch after batch.

    Args:
        renderer: Draws the scenes.
        plan: What they are like.
    """

    def __init__(self, renderer: Renderer, plan: PairPlan) -> None:
        self.renderer, self.plan = renderer, plan
        self.rendered: list[Pairs] = []
        self.drawn = 0

    def batch(self, rand: Rand) -> Batch:
        plan = self.plan
        if self.drawn % plan.reuse == 0:
            shrunk = min(h / t for h, t in zip(plan.rendered, plan.trained, strict=True))
            low, high = (px * (1 + shrunk) / 2 for px in plan.nearest_px)
            new = render_pairs(self.renderer, plan.batch, plan.rendered, (low, high))
            self.rendered = [*self.rendered, new][-plan.kept :]
        self.drawn += 1
        which = int(torch.randint(len(self.rendered), (), generator=rand.host))
        small = shrink(rand, self.rendered[which], plan.trained)
        images, depths = (small.left, small.right), (small.inverse_left, small.inverse_right)
        photographed = photograph_pair(rand, images, depths)
        marked = rand.chance(plan.batch, 1, 1, 1, p=0.9)
        left, right = (
            torch.where(marked, new, plain) for new, plain in zip(photographed, images, strict=True)
        )
        valid = small.known & (small.disparity < LARGEST_PX)
        # A pair of which the two cameras share next to nothing teaches nothing.
        valid &= (small.seen.float().mean((1, 2)) > 0.25)[:, None, None]
        return Batch(left, right, small.disparity, valid, small.seen)


def shrink(rand: Rand, pairs: Pairs, size: Size) -> Pairs:
    """A window of the batch, the same in both images, resized to ``size``.

    It comes from a host-side draw, one for the batch, so that the device is not waited for.
    """
    _, height, width = pairs.disparity.shape
    draw = torch.rand(3, generator=rand.host).tolist()
    most = min(height / size[0], width / size[1])
    high, wide = (round(side * (1 + (most - 1) * draw[0])) for side in size)
    top, left = int((height - high) * draw[1]), int((width - wide) * draw[2])

    def cut(x: Tensor) -> Tensor:
        return x[..., top : top + high, left : left + wide]

    def image(x: Tensor) -> Tensor:
        return F.interpolate(cut(x), size=size, mode="bilinear", antialias=True)

    def plane(x: Tensor) -> Tensor:
        return F.interpolate(cut(x).float()[:, None], size=size, mode="nearest-exact")[:, 0]

    disparity = plane(pairs.disparity) * (size[1] / wide)
    columns = torch.arange(size[1], device=disparity.device)
    return Pairs(
        image(pairs.left),
        image(pairs.right),
        disparity,
        (plane(pairs.seen) > 0) & (columns >= disparity),
        plane(pairs.known) > 0,
        plane(pairs.inverse_left),
        plane(pairs.inverse_right),
    )
