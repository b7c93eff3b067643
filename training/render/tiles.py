"""Casting by tiles of the image, each against the few primitives that its rays can meet."""

from dataclasses import dataclass

import torch
from torch import Tensor

from training.render.camera import Cameras
from training.render.rand import constant
from training.render.raycast import Primitives, cast, pick

TILE_BOXES, TILE_ROUNDS = 20, 18
"""Most primitives of each kind that one tile looks at: the most prominent ones."""


@dataclass(frozen=True)
class Tiles:
    """A split of an image of ``height`` x ``width`` pixels into ``rows`` x ``cols`` tiles."""

    height: int
    width: int
    rows: int = 8
    cols: int = 8

    def split(self, x: Tensor) -> Tensor:
        """``(B, H * W, C)`` -> ``(B, rows * cols, pixels, C)``."""
        h, w = self.height // self.rows, self.width // self.cols
        grid: Tensor = x.unflatten(1, (self.rows, h, self.cols, w)).transpose(2, 3)
        return grid.flatten(3, 4).flatten(1, 2)

    def merge(self, x: Tensor) -> Tensor:
        """The inverse of `split`, for ``(B, rows * cols, pixels)``."""
        h, w = self.height // self.rows, self.width // self.cols
        grid: Tensor = x.unflatten(1, (self.rows, self.cols)).unflatten(3, (h, w))
        return grid.transpose(2, 3).flatten(1)


def cast_tiles(
    prims: Primitives, wanted: Tensor, origin: Tensor, direction: Tensor, tiles: Tiles
) -> tuple[Tensor, Tensor]:
    """Like `raycast.cast`, each tile against its most wanted primitives.

    Args:
        wanted: ``(B, T, P)``, how much tile T wants primitive P; 0 where it cannot be met.
        origin: ``(B, H * W, 3)`` or ``(B, 1, 3)``.
        direction: ``(B, H * W, 3)``.
    """
    b, t, _ = wanted.shape
    boxes = wanted[..., : prims.boxes].topk(TILE_BOXES).indices
    rounds = wanted[..., prims.boxes :].topk(TILE_ROUNDS).indices + prims.boxes
    chosen = torch.cat((boxes, rounds), dim=-1)
    flat = chosen.flatten(1)
    few = Primitives(
        pick(prims.axes, flat).view(b * t, -1, 3, 3),
        pick(prims.center, flat).view(b * t, -1, 3),
        pick(prims.quadric, flat).view(b * t, -1, 4),
        TILE_BOXES,
    )
    rays = tiles.split(direction).flatten(0, 1)
    shared = origin.shape[1] == 1
    start = origin.repeat_interleave(t, 0) if shared else tiles.split(origin).flatten(0, 1)
    depth, local = cast(few, start, rays)
    index = chosen.flatten(0, 1).gather(1, local)
    return tiles.merge(depth.view(b, t, -1)), tiles.merge(index.view(b, t, -1))


def wanted_by_camera(prims: Primitives, cameras: Cameras, tiles: Tiles) -> Tensor:
    """Prominence ``(B, T, P)`` of each primitive whose projected corners' box meets a tile."""
    device = prims.center.device
    sign = constant((-1.0, 1.0), device)
    corner = torch.cartesian_prod(sign, sign, sign)  # (8, 3)
    offset = prims.center - cameras.origin[:, None]
    world = offset[:, :, None] + corner @ prims.axes.transpose(2, 3)
    x, y, z = (world @ cameras.rotation[:, None]).unbind(-1)
    near = z.amin(-1) < 0.05
    scale = cameras.focal[:, None, None] / z.clamp_min(0.05)
    half = max(tiles.height, tiles.width) / 2
    hit = torch.ones(prims.center.shape[:2], dtype=torch.bool, device=device)[:, None]
    for flat, side, count, across in (
        (x, tiles.width, tiles.cols, 1),
        (y, tiles.height, tiles.rows, 0),
    ):
        pixel = flat * scale * half + side / 2
        low, high = pixel.amin(-1), pixel.amax(-1)
        start = torch.arange(count, device=device) * (side / count)
        touch = (low[:, None] <= start[:, None] + side / count) & (high[:, None] >= start[:, None])
        touch = touch | near[:, None]
        spread = touch[:, None] if across else touch[:, :, None]
        hit = hit & spread.expand(-1, tiles.rows, tiles.cols, -1).flatten(1, 2)
    radius = prims.axes.square().sum((-1, -2)).sqrt()
    near_by = radius / (offset.square().sum(-1).sqrt() + 0.3 * radius)
    return hit * near_by[:, None]


def wanted_by_light(
    prims: Primitives, point: Tensor, hit: Tensor, light: Tensor, tiles: Tiles
) -> Tensor:
    """Prominence ``(B, T, P)`` of each primitive near the way from a tile's points to the light.

    Args:
        point: ``(B, H * W, 3)``; ``hit``: ``(B, H * W)``, whether it is a point at all.
        light: ``(B, 3)``.
    """
    known = tiles.split(hit[..., None]).to(point.dtype)
    points = tiles.split(point)
    middle = (points * known).sum(2) / known.sum(2).clamp_min(1)
    spread = ((points - middle[:, :, None]).square().sum(-1) * known[..., 0]).amax(-1).sqrt()
    way = light[:, None] - middle
    far = way.square().sum(-1, keepdim=True).sqrt()
    way = way / far
    offset = prims.center[:, None] - middle[:, :, None]  # (B, T, P, 3)
    along = (offset * way[:, :, None]).sum(-1)
    along = torch.minimum(along.clamp_min(0), far)
    aside = (offset - along[..., None] * way[:, :, None]).square().sum(-1).sqrt()
    radius = prims.axes.square().sum((-1, -2)).sqrt()[:, None]
    meets = aside < radius + spread[..., None]
    return meets * radius / (aside + 0.1 * along + 0.1 * radius + 0.02)
