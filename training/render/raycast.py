"""Analytic ray casting: every ray against every primitive of its scene, in vectorised form.

A primitive is a unit shape under an affine map. In the unit frame a *box* is ``[-1, 1]^3``; a
*round* is the part of ``x^2 + y^2 + k z^2 + m z + n <= 0`` between ``z = -1`` and ``z = 1``: a
sphere, a cylinder, a cone or a frustum according to ``(k, m, n)``. Both are convex, so a ray meets
each in one interval, and an affine map keeps the ray's parameter: no root has to be converted. A
*shell* is the curved side of a round alone, without its ends and without a thickness.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

FAR = 1e6
"""Ray parameter of a miss."""

_NEAR = 1e-4
_INDEX_BITS = 0xFF


@dataclass
class Primitives:
    """The primitives of a batch of scenes; boxes first, then rounds.

    Attributes:
        axes: ``(B, P, 3, 3)``, unit frame to world: columns are the half axes, in metres.
        center: ``(B, P, 3)``, metres.
        quadric: ``(B, P, 4)``, the coefficients ``k, m, n``, and 1 for a shell (ignored for boxes).
        boxes: How many of the P are boxes.
    """

    axes: Tensor
    center: Tensor
    quadric: Tensor
    boxes: int

    def inverse(self) -> Tensor:
        """``(B, P, 3, 3)``, world to unit frame."""
        return invert(self.axes)


def invert(matrix: Tensor) -> Tensor:
    """Inverse of ``(..., 3, 3)`` by cofactors: no library call that would wait for the device."""
    a, b, c = matrix.unbind(-1)
    rows = torch.stack((b.cross(c, -1), c.cross(a, -1), a.cross(b, -1)), dim=-2)
    det = (a * rows[..., 0, :]).sum(-1)[..., None, None]
    return rows / torch.where(det.abs() < 1e-20, torch.full_like(det, 1e-20), det)


def cast(prims: Primitives, origin: Tensor, direction: Tensor) -> tuple[Tensor, Tensor]:
    """First hit of every ray.

    Args:
        origin: ``(B, N, 3)`` or ``(B, 1, 3)``, world.
        direction: ``(B, N, 3)``, world, of any length.

    Returns:
        The ray parameter ``(B, N)`` (`FAR` for a miss) and the primitive's index ``(B, N)``.
    """
    inverse = prims.inverse()
    # The fused kernel is compiled once per kind of origin; sizes stay fixed within a run.
    o, d = (v.transpose(1, 2).contiguous() for v in (origin, direction))
    key = _nearest(inverse, prims.center, prims.quadric, o, d, prims.boxes)
    index = (key & _INDEX_BITS).long()
    return _exact(prims, inverse, index, origin, direction), index


def unit_rays(
    inverse: Tensor, center: Tensor, origin: Tensor, direction: Tensor
) -> tuple[Tensor, Tensor]:
    """Rays ``(..., 3)`` in the unit frame of one primitive each."""
    # Millions of 3 x 3 products: as sums, which no device turns into as many library calls.
    local_origin = (inverse * (origin - center)[..., None, :]).sum(-1)
    return local_origin, (inverse * direction[..., None, :]).sum(-1)


def _exact(
    prims: Primitives, inverse: Tensor, index: Tensor, origin: Tensor, direction: Tensor
) -> Tensor:
    """The parameter of the winning hits once more, at full precision."""
    o, d = unit_rays(pick(inverse, index), pick(prims.center, index), origin, direction)
    k, m, n, shell = pick(prims.quadric, index).unbind(-1)
    box = _box_hit(o.unbind(-1), d.unbind(-1))
    round_ = _round_hit(o.unbind(-1), d.unbind(-1), k, m, n, shell)
    return torch.where(index < prims.boxes, box, round_)


def pick(table: Tensor, index: Tensor) -> Tensor:
    """Rows of ``(B, P, ...)`` at ``(B, N)`` -> ``(B, N, ...)``."""
    flat = table.flatten(2) if table.ndim > 2 else table[..., None]
    rows = flat.gather(1, index[..., None].expand(-1, -1, flat.shape[-1]))
    return rows.unflatten(-1, table.shape[2:]) if table.ndim > 2 else rows[..., 0]


def _nearest_eager(
    inverse: Tensor,
    center: Tensor,
    quadric: Tensor,
    origin: Tensor,
    direction: Tensor,
    boxes: int,
) -> Tensor:
    """``(B, N)`` int32: the nearest hit's parameter with the primitive's index in its low bits.

    Origins and directions come as ``(B, 3, N)``, which the fused kernel reads in order.

    Positive floats sort like their bit patterns, so one integer minimum finds parameter and index.
    """
    ox, oy, oz = (origin[:, None, i] for i in range(3))
    dx, dy, dz = (direction[:, None, i] for i in range(3))
    row = [[inverse[:, :, i, j, None] for j in range(3)] for i in range(3)]
    shift = -(inverse * center[:, :, None, :]).sum(-1)
    o = [r[0] * ox + r[1] * oy + r[2] * oz + shift[:, :, i, None] for i, r in enumerate(row)]
    d = [r[0] * dx + r[1] * dy + r[2] * dz for r in row]
    box = _box_hit([v[:, :boxes] for v in o], [v[:, :boxes] for v in d])
    k, m, n, shell = (quadric[:, boxes:, i, None] for i in range(4))
    round_ = _round_hit([v[:, boxes:] for v in o], [v[:, boxes:] for v in d], k, m, n, shell)
    best = _with_index(box, 0).amin(1)
    return torch.minimum(best, _with_index(round_, boxes).amin(1))


@cache
def _compiled() -> Callable[..., Tensor]:
    """Made when it is first needed: the compiler takes seconds to import."""
    torch._dynamo.config.recompile_limit = 64  # one kernel per size of batch and image
    return torch.compile(_nearest_eager, dynamic=False)


def _nearest(
    inverse: Tensor,
    center: Tensor,
    quadric: Tensor,
    origin: Tensor,
    direction: Tensor,
    boxes: int,
) -> Tensor:
    small = direction.numel() < 3 << 15  # not worth a compilation
    run = _nearest_eager if small else _compiled()
    return run(inverse, center, quadric, origin, direction, boxes)


def _with_index(t: Tensor, first: int) -> Tensor:
    index = torch.arange(first, first + t.shape[1], device=t.device, dtype=torch.int32)
    return (t.view(torch.int32) & ~_INDEX_BITS) | index[None, :, None]


def _slab(p: Tensor, q: Tensor) -> tuple[Tensor, Tensor]:
    inverse = 1.0 / torch.where(q.abs() < 1e-9, 1e-9, q)
    middle, half = -p * inverse, inverse.abs()
    return middle - half, middle + half


def _box_hit(o: Sequence[Tensor], d: Sequence[Tensor]) -> Tensor:
    enter, leave = _slab(o[0], d[0])
    for p, q in zip(o[1:], d[1:], strict=True):
        closer, farther = _slab(p, q)
        enter, leave = torch.maximum(enter, closer), torch.minimum(leave, farther)
    return _first(enter, leave)


def _round_hit(
    o: Sequence[Tensor], d: Sequence[Tensor], k: Tensor, m: Tensor, n: Tensor, shell: Tensor
) -> Tensor:
    ox, oy, oz = o
    dx, dy, dz = d
    a = dx * dx + dy * dy + k * dz * dz
    a = torch.where(a.abs() < 1e-9, 1e-9, a)
    b = ox * dx + oy * dy + (k * oz + 0.5 * m) * dz
    c = ox * ox + oy * oy + (k * oz + m) * oz + n
    square = b * b - a * c
    root = square.clamp_min(0.0).sqrt() / a.abs()
    low, high = -b / a - root, -b / a + root
    # a < 0: the ray is steeper than the cone and inside it *outside* the roots. All cones narrow
    # upwards, so the wanted nappe is the lower one.
    steep, down = a < 0, dz < 0
    enter = torch.where(steep, torch.where(down, high, -FAR), low)
    leave = torch.where(steep, torch.where(down, FAR, low), high)
    inverse = 1.0 / torch.where(dz.abs() < 1e-9, 1e-9, dz)
    middle, half = -oz * inverse, inverse.abs()
    hit = _first(torch.maximum(enter, middle - half), torch.minimum(leave, middle + half))
    front = (low > _NEAR) & ((oz + low * dz).abs() <= 1)
    back = (high > _NEAR) & ((oz + high * dz).abs() <= 1)
    side = torch.where(front, low, torch.where(back, high, FAR))
    return torch.where(square > 0, torch.where(shell > 0, side, hit), FAR)


def _first(enter: Tensor, leave: Tensor) -> Tensor:
    """Where a ray first meets a convex body that it is inside of from ``enter`` to ``leave``."""
    first = torch.where(enter > _NEAR, enter, leave)
    return torch.where((enter <= leave) & (leave > _NEAR), first, FAR)
