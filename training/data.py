"""Training batches: rendered images, kept for some reuse where rendering is dear, and augmented."""

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor

from training.ahead import Ahead
from training.effects import photograph
from training.render import Renderer
from training.render.rand import Rand

Size = tuple[int, int]

_SHARD = 32
"""Images rendered at once for a pool: laying out many scenes costs as much as laying out few."""
_LEAST = 4
"""Shards before training starts."""


@dataclass(frozen=True)
class Stage:
    """One stage of training.

    Attributes:
        share: Part of all images that it sees.
        rendered: Size of the rendered images, pixels, multiples of 8.
        trained: Sizes that batches are cropped and resized to in turn, multiples of 32.
        batch: Images of one batch.
        gradient_weight: Weight of the gradient loss.
    """

    share: float
    rendered: Size
    trained: tuple[Size, ...]
    batch: int
    gradient_weight: float


class Pool:
    """Rendered images of one stage, each used about ``reuse`` times.

    With ``reuse`` 1 every batch is rendered afresh and nothing is kept. Otherwise a second process
    renders, and the pool holds up to ``capacity`` shards per size, in memory and in ``folder``; new
    ones push out the oldest.
    """

    def __init__(
        self, renderer: Renderer, stage: Stage, reuse: int, capacity: int, folder: Path | None
    ) -> None:
        self.renderer, self.stage, self.reuse, self.capacity = renderer, stage, reuse, capacity
        self.folder = folder
        self.kept: list[tuple[Tensor, Tensor]] = []
        self.ahead: Ahead | None = None
        self.received, self.drawn = 0, 0
        if reuse > 1:
            self._restore()
            seed = int(renderer.rand.integers(1 << 30, 1))
            self.ahead = Ahead(seed, _SHARD, stage.rendered)

    def batch(self, rand: Rand, step: int) -> tuple[Tensor, Tensor]:
        """Image ``(B, 3, H, W)`` sRGB in [0, 1] and inverse depth ``(B, H, W)``, augmented."""
        image, inverse = self._images()
        size = self.stage.trained[step % len(self.stage.trained)]
        image, inverse = crop(rand, image, inverse, size)
        mirrored = rand.chance(len(image), p=0.5)
        image = torch.where(mirrored[:, None, None, None], image.flip(3), image)
        inverse = torch.where(mirrored[:, None, None], inverse.flip(2), inverse)
        image, inverse = merge(rand, image, inverse)
        # Plain images in between: the network leaves the dark sooner.
        marked = rand.chance(len(image), 1, 1, 1, p=0.8)
        return torch.where(marked, photograph(rand, image, inverse), image), inverse

    def close(self) -> None:
        if self.ahead:
            self.ahead.stop()

    def _images(self) -> tuple[Tensor, Tensor]:
        stage, kept = self.stage, self.kept
        if self.ahead is None:
            frames = self.renderer.render(stage.batch, *stage.rendered)
            return frames.image, frames.inverse_depth
        self.drawn += stage.batch
        while len(kept) < _LEAST or self.drawn >= self.reuse * _SHARD:
            self._receive(self.ahead)
            self.drawn = max(0, self.drawn - self.reuse * _SHARD)
        shards = self.renderer.rand.integers(len(kept), stage.batch).tolist()
        within = self.renderer.rand.integers(_SHARD, stage.batch).tolist()
        chosen = list(zip(shards, within, strict=True))
        image = torch.stack([kept[s][0][i] for s, i in chosen]).float() / 255
        return image, torch.stack([kept[s][1][i] for s, i in chosen]).float()

    def _receive(self, ahead: Ahead) -> None:
        image, inverse = ahead.take()
        self.kept.append((image, inverse))
        del self.kept[: max(0, len(self.kept) - self.capacity)]
        if self.folder:
            self.folder.mkdir(parents=True, exist_ok=True)
            part = self.folder / "part"
            save_file({"image": image, "inverse": inverse}, part)
            part.rename(self.folder / f"{self.received % self.capacity:05}.safetensors")
        self.received += 1

    def _restore(self) -> None:
        paths = self.folder.glob("*.safetensors") if self.folder else ()
        for path in sorted(paths, key=lambda p: p.stat().st_mtime):
            shard = load_file(path)
            self.kept.append((shard["image"], shard["inverse"]))
            self.received = int(path.stem) + 1


def crop(rand: Rand, image: Tensor, inverse: Tensor, size: Size) -> tuple[Tensor, Tensor]:
    """A window of the batch with about the shape of ``size``, resized to it.

    The window comes from a host-side draw, one for the batch, so that the device is not waited for.
    """
    _, _, h, w = image.shape
    draw = torch.rand(4, generator=rand.host).tolist()
    shape = size[1] / size[0] * (0.87 + 0.28 * draw[0])
    largest = min(h, w / shape) * (0.75 + 0.25 * draw[1])
    high, wide = int(largest), int(largest * shape)
    top, left = int((h - high) * draw[2]), int((w - wide) * draw[3])
    image = image[:, :, top : top + high, left : left + wide]
    inverse = inverse[:, None, top : top + high, left : left + wide]
    image = F.interpolate(image, size=size, mode="bilinear", antialias=True)
    return image, F.interpolate(inverse, size=size, mode="nearest-exact")[:, 0]


def merge(rand: Rand, image: Tensor, inverse: Tensor) -> tuple[Tensor, Tensor]:
    """In some images, what is nearest in the batch's next one stands in the way: true in depth,
    strange in context, and cut off anywhere."""
    b = len(image)
    other, behind = image.roll(1, 0), inverse.roll(1, 0)
    level = rand.uniform(b, 1, low=0.6, high=0.95)
    flat = behind.flatten(1).sort(dim=1).values
    place = (level * (flat.shape[1] - 1)).long()
    least = flat.gather(1, place)[..., None]
    middle = inverse.flatten(1).median(dim=1).values[:, None, None]
    scale = rand.log_uniform(b, 1, 1, low=0.7, high=2.0) * middle / least.clamp_min(1e-3)
    near = behind * scale.clamp_min(0.3)
    here = (near > inverse) & (behind > least) & rand.chance(b, 1, 1, p=0.25)
    return torch.where(here[:, None], other, image), torch.where(here, near, inverse)
