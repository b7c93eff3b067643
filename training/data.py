"""Training batches: rendered images, kept for some reuse where rendering is dear, and augmented."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from training.effects import photograph
from training.render import Renderer
from training.render.rand import Rand

Size = tuple[int, int]

_AHEAD = 4
"""Batches rendered at once for a pool: laying out many scenes costs as much as laying out few."""


@dataclass(frozen=True)
class Stage:
    """One stage of training.

    Attributes:
        share: Part of all images that it sees.
        rendered: Sizes of the rendered images, pixels, multiples of 8; a batch has one size.
        trained: The size that each is cropped and resized to, multiples of 14.
        batch: Images of one batch.
        gradient_weight: Weight of the gradient loss.
    """

    share: float
    rendered: tuple[Size, ...]
    trained: tuple[Size, ...]
    batch: int
    gradient_weight: float


class Pool:
    """Rendered images of one stage, each used about ``reuse`` times.

    With ``reuse`` 1 every batch is rendered afresh and nothing is kept. Otherwise the pool holds up
    to ``capacity`` images per size as bytes and half floats; new ones push out the oldest.
    """

    def __init__(self, renderer: Renderer, stage: Stage, reuse: int, capacity: int) -> None:
        self.renderer, self.stage, self.reuse, self.capacity = renderer, stage, reuse, capacity
        self.kept: list[list[tuple[Tensor, Tensor]]] = [[] for _ in stage.rendered]
        self.drawn = 0

    def batch(self, rand: Rand, step: int) -> tuple[Tensor, Tensor]:
        """Image ``(B, 3, H, W)`` sRGB in [0, 1] and inverse depth ``(B, H, W)``, augmented."""
        which = step % len(self.stage.rendered)
        image, inverse = self._images(which)
        size = self.stage.trained[which]
        image, inverse = crop(rand, image, inverse, size)
        mirrored = rand.chance(len(image), p=0.5)
        image = torch.where(mirrored[:, None, None, None], image.flip(3), image)
        inverse = torch.where(mirrored[:, None, None], inverse.flip(2), inverse)
        # Plain images in between: the network leaves the dark sooner.
        marked = rand.chance(len(image), 1, 1, 1, p=0.6)
        return torch.where(marked, photograph(rand, image, inverse), image), inverse

    def _images(self, which: int) -> tuple[Tensor, Tensor]:
        stage, kept = self.stage, self.kept[which]
        if self.reuse == 1:
            frames = self.renderer.render(stage.batch, *stage.rendered[which])
            return frames.image, frames.inverse_depth
        self.drawn += 1
        turn = self.drawn // len(stage.rendered)
        if len(kept) < 2 * stage.batch or turn % (_AHEAD * self.reuse) == 0:
            frames = self.renderer.render(_AHEAD * stage.batch, *stage.rendered[which])
            image, depth = (frames.image * 255).round().byte(), frames.inverse_depth.half()
            kept.extend(zip(image, depth, strict=True))
            del kept[: max(0, len(kept) - self.capacity)]
        chosen = self.renderer.rand.integers(len(kept), stage.batch).tolist()
        image = torch.stack([kept[i][0] for i in chosen]).float() / 255
        return image, torch.stack([kept[i][1] for i in chosen]).float()


def crop(rand: Rand, image: Tensor, inverse: Tensor, size: Size) -> tuple[Tensor, Tensor]:
    """A window of the batch, a little stretched, resized to ``size``.

    The window comes from a host-side draw, one for the batch, so that the device is not waited for.
    """
    _, _, h, w = image.shape
    draw = torch.rand(4, generator=rand.host).tolist()
    high, wide = (int(s * (0.75 + 0.25 * d)) for s, d in ((h, draw[0]), (w, draw[1])))
    top, left = int((h - high) * draw[2]), int((w - wide) * draw[3])
    image = image[:, :, top : top + high, left : left + wide]
    inverse = inverse[:, None, top : top + high, left : left + wide]
    image = F.interpolate(image, size=size, mode="bilinear", antialias=True)
    return image, F.interpolate(inverse, size=size, mode="nearest-exact")[:, 0]
