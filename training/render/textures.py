"""A bank of tileable procedural textures with their mip levels.

Each texture has two channels in [0, 1]: a *pattern* that mixes a material's two colours (and bumps
its surface) and a *grain* that modulates its brightness.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from training.render.rand import Rand

SIDE = 256
PER_KIND = 6


def spectrum_noise(rand: Rand, count: int, slope: float, stretch: float = 1.0) -> Tensor:
    """``(count, SIDE, SIDE)`` tileable noise in [0, 1] whose amplitude falls with frequency."""
    fy = torch.fft.fftfreq(SIDE, device=rand.device)[:, None] * SIDE * stretch
    fx = torch.fft.rfftfreq(SIDE, device=rand.device)[None] * SIDE
    radius = (fx**2 + fy**2).sqrt().clamp_min(1.0)
    white = torch.fft.rfft2(rand.normal(count, SIDE, SIDE))
    field: Tensor = torch.fft.irfft2(white * radius**-slope, s=(SIDE, SIDE))
    field = field - field.mean((1, 2), keepdim=True)
    field = field / field.std((1, 2), keepdim=True)
    return (0.5 + 0.22 * field).clamp(0, 1)


def _grid(rand: Rand) -> tuple[Tensor, Tensor]:
    axis = (torch.arange(SIDE, device=rand.device) + 0.5) / SIDE
    return axis[None, :, None], axis[None, None, :]


def _step(x: Tensor, softness: float = 0.02) -> Tensor:
    return (0.5 + x / softness).clamp(0, 1)


def _plaster(rand: Rand, n: int) -> Tensor:
    return 0.5 + 0.3 * (spectrum_noise(rand, n, 0.9) - 0.5)


def _rough(rand: Rand, n: int) -> Tensor:
    return spectrum_noise(rand, n, 1.0)


def _clouds(rand: Rand, n: int) -> Tensor:
    return spectrum_noise(rand, n, 1.7)


def _wood(rand: Rand, n: int) -> Tensor:
    _, x = _grid(rand)
    rings = rand.of((4.0, 6.0, 9.0, 14.0), n)[:, None, None]
    warp = spectrum_noise(rand, n, 1.8, stretch=0.3)
    fine = spectrum_noise(rand, n, 0.7, stretch=0.06)
    return 0.45 * (0.5 + 0.5 * torch.sin(6.2832 * (rings * x + 2.5 * warp))) + 0.55 * fine


def _planks(rand: Rand, n: int) -> Tensor:
    y, x = _grid(rand)
    boards = rand.of((3.0, 4.0, 6.0), n)[:, None, None]
    column = (x * boards).floor()
    shift = torch.frac(torch.sin(column * 78.233) * 437.5).abs()
    row = ((y + shift) * 2).floor()
    tone = torch.frac(torch.sin(column * 12.9 + row * 45.2) * 4375.8).abs()
    gap = _step(0.012 * boards - (torch.frac(x * boards) - 0.0).abs(), 0.02)
    return (0.35 * tone + 0.65 * _wood(rand, n)) * (1 - 0.8 * gap)


def _bricks(rand: Rand, n: int) -> Tensor:
    y, x = _grid(rand)
    rows = rand.of((8.0, 12.0, 16.0), n)[:, None, None]
    row = (y * rows).floor()
    along = x * rows / 2 + 0.5 * (row % 2)
    tone = torch.frac(torch.sin(along.floor() % (rows / 2) * 12.9 + row * 78.2) * 4375.8).abs()
    inside = _mortar(along, y * rows, 0.04, 0.09)
    return inside * (0.55 + 0.45 * tone * spectrum_noise(rand, n, 0.8) * 2).clamp(0, 1)


def _tiles(rand: Rand, n: int) -> Tensor:
    y, x = _grid(rand)
    count = rand.of((2.0, 4.0, 6.0), n)[:, None, None]
    tone = torch.frac(torch.sin((x * count).floor() * 12.9 + (y * count).floor() * 78.2) * 4375.8)
    inside = _mortar(x * count, y * count, 0.025, 0.025)
    return inside * (0.75 + 0.2 * tone.abs() + 0.15 * (spectrum_noise(rand, n, 1.2) - 0.5))


def _mortar(u: Tensor, v: Tensor, du: float, dv: float) -> Tensor:
    edge_u = (torch.frac(u) - 0.5).abs()
    edge_v = (torch.frac(v) - 0.5).abs()
    return _step(0.5 - du - edge_u, 0.03) * _step(0.5 - dv - edge_v, 0.06)


def _checks(rand: Rand, n: int) -> Tensor:
    y, x = _grid(rand)
    count = rand.of((2.0, 4.0, 8.0), n)[:, None, None]
    return ((x * count).floor() + (y * count).floor()) % 2


def _stripes(rand: Rand, n: int) -> Tensor:
    _, x = _grid(rand)
    count = rand.of((4.0, 8.0, 16.0), n)[:, None, None]
    wide = rand.uniform(n, 1, 1, low=0.2, high=0.8)
    return _step(torch.frac(x * count + 0.0) - wide, 0.1) + 0 * _grid(rand)[0]


def _plaid(rand: Rand, n: int) -> Tensor:
    vertical, horizontal = _stripes(rand, n), _stripes(rand, n).transpose(1, 2)
    return 0.4 * vertical + 0.4 * horizontal + 0.2 * _fabric(rand, n)


def _fabric(rand: Rand, n: int) -> Tensor:
    y, x = _grid(rand)
    count = rand.of((32.0, 48.0, 64.0), n)[:, None, None]
    weave = torch.sin(6.2832 * count * x) * torch.sin(6.2832 * count * y)
    return (0.5 + 0.25 * weave + 0.6 * (spectrum_noise(rand, n, 1.1) - 0.5)).clamp(0, 1)


def _spots(rand: Rand, n: int) -> Tensor:
    level = rand.uniform(n, 1, 1, low=0.4, high=0.7)
    return _step(spectrum_noise(rand, n, 1.5) - level, 0.1)


def _leaves(rand: Rand, n: int) -> Tensor:
    coarse = spectrum_noise(rand, n, 0.8)
    return (coarse * 1.6 - 0.3).clamp(0, 1) ** 1.5


def _facade(rand: Rand, n: int) -> Tensor:
    """Rows of windows with frames; the pattern is high on glass."""
    y, x = _grid(rand)
    columns = rand.of((3.0, 4.0, 6.0), n)[:, None, None]
    rows = rand.of((2.0, 3.0, 4.0), n)[:, None, None]
    u, v = torch.frac(x * columns) - 0.5, torch.frac(y * rows) - 0.5
    wide, tall = rand.uniform(2, n, 1, 1, low=0.15, high=0.36)
    glass = _step(wide - u.abs(), 0.03) * _step(tall - v.abs(), 0.03)
    bars = _step(u.abs() - 0.012, 0.01) * _step((v - 0.05).abs() - 0.012, 0.01)
    return glass * bars * (0.75 + 0.25 * spectrum_noise(rand, n, 1.2))


def _poster(rand: Rand, n: int) -> Tensor:
    """Overlapping soft-edged shapes, like a printed picture."""
    y, x = _grid(rand)
    picture = spectrum_noise(rand, n, 2.0)
    for _ in range(9):
        cy, cx, ry, rx = rand.uniform(4, n, 1, 1)
        ry, rx = 0.03 + 0.3 * ry**2, 0.03 + 0.3 * rx**2
        far = torch.maximum((y - cy).abs() / ry, (x - cx).abs() / rx)
        round_ = (((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2).sqrt()
        inside = _step(1 - torch.where(rand.chance(n, 1, 1, p=0.5), far, round_), 0.1)
        picture = picture + inside * (rand.uniform(n, 1, 1) - picture)
    return picture


def _text(rand: Rand, n: int) -> Tensor:
    """Lines of marks of uneven length: printed text seen from afar."""
    y, x = _grid(rand)
    lines = rand.of((8.0, 16.0, 24.0), n)[:, None, None]
    row = (y * lines).floor()
    marks = _step(spectrum_noise(rand, n, 0.4, stretch=0.5) - 0.45, 0.2)
    length = 0.5 + 0.45 * torch.frac(torch.sin(row * 91.7) * 437.5).abs()
    line = (torch.frac(y * lines) < 0.55) & (x > 0.06) & (x < length)
    return 1 - marks * line


def _plain(rand: Rand, n: int) -> Tensor:
    return rand.uniform(n, 1, 1).expand(n, SIDE, SIDE) * 0.2 + 0.1 * spectrum_noise(rand, n, 1.5)


KINDS: dict[str, Callable[[Rand, int], Tensor]] = {
    "plain": _plain,
    "plaster": _plaster,
    "rough": _rough,
    "clouds": _clouds,
    "wood": _wood,
    "planks": _planks,
    "bricks": _bricks,
    "tiles": _tiles,
    "checks": _checks,
    "stripes": _stripes,
    "plaid": _plaid,
    "fabric": _fabric,
    "spots": _spots,
    "leaves": _leaves,
    "facade": _facade,
    "poster": _poster,
    "text": _text,
}
FIRST = {name: i * PER_KIND for i, name in enumerate(KINDS)}
"""Texture kind -> index of its first texture in the bank."""


@dataclass
class Bank:
    """All textures and their mip levels in one table.

    Attributes:
        texels: ``(texels, 2)``, the levels of all textures one after the other, finest first.
        count: Number of textures.
    """

    texels: Tensor
    count: int

    def sample(self, texture: Tensor, uv: Tensor, footprint: Tensor) -> tuple[Tensor, Tensor]:
        """Bilinear lookup in the mip level that fits.

        Args:
            texture: ``(...)``, index of the texture.
            uv: ``(..., 2)``, in periods of the texture.
            footprint: ``(...)``, width of a pixel on the surface, in periods.

        Returns:
            Pattern and grain ``(..., 2)`` in [0, 1], and the pattern's slope in u and v
            ``(..., 2)``, per texel.
        """
        level = (footprint * SIDE).clamp_min(1.0).log2().round().clamp_max(7).long()
        side = SIDE >> level
        # Levels of side SIDE / 2^i hold a geometric series of texels.
        start = self.count * (4 * SIDE * SIDE - 4 * side * side) // 3
        base = start + texture * side * side
        xy = torch.frac(torch.frac(uv) + 1.0) * side[..., None]
        low = xy.floor()
        part = xy - low
        x0, y0 = low.long().unbind(-1)
        x0, y0 = x0 % side, y0 % side
        x1, y1 = (x0 + 1) % side, (y0 + 1) % side
        t00, t01 = self.texels[base + y0 * side + x0], self.texels[base + y0 * side + x1]
        t10, t11 = self.texels[base + y1 * side + x0], self.texels[base + y1 * side + x1]
        fx, fy = part[..., :1], part[..., 1:]
        top, bottom = t00 + fx * (t01 - t00), t10 + fx * (t11 - t10)
        slope_u = ((1 - fy) * (t01 - t00) + fy * (t11 - t10))[..., 0]
        slope_v = (bottom - top)[..., 0]
        return top + fy * (bottom - top), torch.stack((slope_u, slope_v), dim=-1)


def make_bank(rand: Rand) -> Bank:
    patterns = torch.cat([make(rand, PER_KIND).clamp(0, 1) for make in KINDS.values()])
    grain = torch.cat([spectrum_noise(rand, 8, 0.8 + 0.05 * i) for i in range(13)])
    level = torch.stack((patterns, grain[: len(patterns)]), dim=1)
    levels = []
    for _ in range(8):
        levels.append(level.permute(0, 2, 3, 1).reshape(-1, 2))
        level = F.avg_pool2d(level, 2)
    return Bank(torch.cat(levels), len(patterns))
