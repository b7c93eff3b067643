"""Building blocks of objects: unit shapes under affine maps, collected in one table per class.

An object lives in a box ``x, y in [-1, 1], z in [0, 1]`` that each instance scales to its own half
width, half depth and height in metres.
"""

import math
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from torch import Tensor

Vector = tuple[float, float, float]

PARTS = 28
"""Most parts that an object may have."""


@dataclass(frozen=True)
class Part:
    """One primitive of an object.

    Attributes:
        axes: Columns are the half axes in the object's box.
        center: Its centre there.
        quadric: Coefficients of a round, ``None`` for a box.
        slot: Which of the object's materials it wears.
        shell: Whether a round is only its curved side.
    """

    axes: tuple[Vector, Vector, Vector]
    center: Vector
    quadric: Vector | None
    slot: int
    shell: bool = False


def box(center: Vector, half: Vector, slot: int = 0, tilt: float = 0.0) -> Part:
    """A box; ``tilt`` in degrees turns it about the x axis (positive: the back goes up)."""
    c, s = math.cos(math.radians(tilt)), math.sin(math.radians(tilt))
    hx, hy, hz = half
    return Part(((hx, 0, 0), (0, hy * c, hy * s), (0, -hz * s, hz * c)), center, None, slot)


def slanted(center: Vector, half: Vector, slot: int, tilt: float) -> Part:
    """A box turned by ``tilt`` degrees about the y axis (positive: the right side goes down)."""
    c, s = math.cos(math.radians(tilt)), math.sin(math.radians(tilt))
    hx, hy, hz = half
    return Part(((hx * c, 0, -hx * s), (0, hy, 0), (hz * s, 0, hz * c)), center, None, slot)


def ball(center: Vector, half: Vector, slot: int = 0) -> Part:
    hx, hy, hz = half
    return Part(((hx, 0, 0), (0, hy, 0), (0, 0, hz)), center, (1.0, 0.0, -1.0), slot)


def rod(
    start: Vector, end: Vector, radius: float | tuple[float, float], slot: int = 0, top: float = 1.0
) -> Part:
    """A cylinder from ``start`` to ``end``; ``top`` < 1 narrows its end to that share (a cone)."""
    rx, ry = radius if isinstance(radius, tuple) else (radius, radius)
    w = torch.tensor(end, dtype=torch.float64) - torch.tensor(start, dtype=torch.float64)
    helper = torch.tensor((0.0, 1.0, 0.0) if abs(w[1]) < 0.9 * w.norm() else (1.0, 0.0, 0.0))
    u = torch.linalg.cross(helper.double(), w)
    u = u / u.norm()
    v = torch.linalg.cross(w, u)
    v = v / v.norm()
    a, b = (1 + top) / 2, (top - 1) / 2
    (x0, y0, z0), (x1, y1, z1) = start, end
    center = ((x0 + x1) / 2, (y0 + y1) / 2, (z0 + z1) / 2)
    return Part(
        (_vector(rx * u), _vector(ry * v), _vector(w / 2)),
        center,
        (-b * b, -2 * a * b, -a * a),
        slot,
    )


def _vector(components: torch.Tensor) -> Vector:
    x, y, z = components.tolist()
    return (x, y, z)


def tube(
    start: Vector, end: Vector, radius: float | tuple[float, float], slot: int = 0, top: float = 1.0
) -> Part:
    """A rod without its ends: one looks into it."""
    return replace(rod(start, end, radius, slot, top), shell=True)


def basin(base: Vector, radius: float, high: float, slot: int = 0) -> Part:
    """The lower half of a hollow ball, ``high`` from its bottom to its open rim."""
    axes = ((radius, 0, 0), (0, radius, 0), (0, 0, high / 2))
    x, y, z = base
    return Part(axes, (x, y, z + high / 2), (0.25, -0.5, -0.75), slot, shell=True)


def ring(center: Vector, rx: float, rz: float, thick: float, slot: int, count: int) -> list[Part]:
    """A hoop of rods in the x-z plane."""
    angles = [2 * math.pi * i / count for i in range(count + 1)]
    at = [(center[0] + rx * math.cos(a), center[1], center[2] + rz * math.sin(a)) for a in angles]
    return [rod(p, q, thick, slot) for p, q in pairwise(at)]


@dataclass(frozen=True)
class Table:
    """The parts of all classes as tensors, ``(classes, PARTS, ...)``; unused parts are not live."""

    axes: Tensor
    center: Tensor
    quadric: Tensor
    is_box: Tensor
    slot: Tensor
    live: Tensor

    def to(self, device: torch.device) -> "Table":
        return Table(**{name: value.to(device) for name, value in vars(self).items()})


def make_table(classes: list[list[Part]]) -> Table:
    shape = (len(classes), PARTS)
    axes, center = torch.eye(3).repeat(*shape, 1, 1), torch.zeros(*shape, 3)
    quadric = torch.tensor((1.0, 0.0, -1.0, 0.0)).repeat(*shape, 1)
    is_box, live = torch.zeros(shape, dtype=torch.bool), torch.zeros(shape, dtype=torch.bool)
    slot = torch.zeros(shape, dtype=torch.long)
    for c, parts in enumerate(classes):
        if len(parts) > PARTS:
            raise ValueError(f"class {c} has {len(parts)} parts, more than {PARTS}")
        for p, part in enumerate(parts):
            axes[c, p] = torch.tensor(part.axes).T
            center[c, p] = torch.tensor(part.center)
            is_box[c, p] = part.quadric is None
            if part.quadric is not None:
                quadric[c, p] = torch.tensor((*part.quadric, float(part.shell)))
            slot[c, p], live[c, p] = part.slot, True
    return Table(axes, center, quadric, is_box, slot, live)
