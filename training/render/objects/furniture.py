"""Furniture and lamps."""

import math
from itertools import pairwise

from training.render.shapes import Part, ball, box, rod, tube


def legs(x: float, y: float, top: float, r: float, slot: int) -> list[Part]:
    corners = [(-x, -y), (x, -y), (-x, y), (x, y)]
    return [rod((cx, cy, 0), (cx * 0.97, cy * 0.97, top), r, slot) for cx, cy in corners]


def square_legs(x: float, y: float, top: float, r: float, slot: int) -> list[Part]:
    return [box((i * x, j * y, top / 2), (r, r, top / 2), slot) for i in (-1, 1) for j in (-1, 1)]


def office_chair() -> list[Part]:
    spokes = [(math.cos(1.2566 * i), math.sin(1.2566 * i)) for i in range(5)]
    return [
        *[rod((0, 0, 0.12), (c, s, 0.07), 0.06, 1) for c, s in spokes],
        *[ball((c, s, 0.03), (0.1, 0.1, 0.03), 1) for c, s in spokes],
        rod((0, 0, 0.1), (0, 0, 0.45), 0.08, 2),
        box((0, 0, 0.48), (0.85, 0.85, 0.03), 0),
        ball((0, 0, 0.5), (0.85, 0.85, 0.035), 0),
        rod((0, 0.85, 0.45), (0, 0.95, 0.7), 0.08, 2),
        box((0, 0.95, 0.78), (0.75, 0.07, 0.2), 0, 8),
        *[box((s * 0.95, 0, 0.66), (0.09, 0.4, 0.012), 1) for s in (-1, 1)],
        *[rod((s * 0.95, 0.1, 0.46), (s * 0.95, 0.1, 0.66), 0.05, 1) for s in (-1, 1)],
    ]


def lounger() -> list[Part]:
    """A seat hung in two bent tubes."""
    out = []
    for s in (-0.92, 0.92):
        path = [(-0.9, 0.02), (0.7, 0.02), (0.95, 0.2), (0.7, 0.6), (-0.6, 0.62), (-0.95, 0.5)]
        out += [rod((s, y, z), (s, v, w), 0.05, 1) for (y, z), (v, w) in pairwise(path)]
    return [
        *out,
        box((0, -0.1, 0.42), (0.85, 0.8, 0.03), 0, -8),
        box((0, 0.8, 0.72), (0.85, 0.05, 0.3), 0, 20),
        rod((-0.92, 0.7, 0.02), (0.92, 0.7, 0.02), 0.04, 1),
    ]


def rack() -> list[Part]:
    """Open boards between four posts, with boxes on them; one sees through."""
    posts = [box((i * 0.98, j * 0.95, 0.5), (0.02, 0.05, 0.5), 0) for i in (-1, 1) for j in (-1, 1)]
    boards = [box((0, 0, z), (1, 1, 0.012), 0) for z in (0.1, 0.4, 0.68, 0.97)]
    things = []
    for i in range(11):
        level, tall = (0.11, 0.41, 0.69)[i % 3], 0.04 + 0.08 * ((i * 7) % 5) / 5
        wide = 0.08 + 0.14 * ((i * 5) % 7) / 7
        at = (-0.8 + ((i * 0.47) % 1.6), 0.3 * math.sin(3 * i), level + tall)
        things.append((ball if i % 4 == 3 else box)(at, (wide, 0.6, tall), 1 + i % 3))
    return [*posts, *boards, *things]


def partition() -> list[Part]:
    return [
        box((0, 0, 0.53), (1, 0.6, 0.47), 0),
        *[box((s, 0, 0.5), (0.015, 1, 0.5), 1) for s in (-1, 1)],
        box((0, 0, 1), (1, 1, 0.012), 1),
        *[box((s * 0.8, 0, 0.02), (0.03, 4, 0.02), 1) for s in (-1, 1)],
    ]


def table() -> list[Part]:
    rails = [box((0, s * 0.88, 0.9), (0.9, 0.03, 0.06), 1) for s in (-1, 1)]
    return [box((0, 0, 0.98), (1, 1, 0.025)), *square_legs(0.9, 0.88, 0.95, 0.05, 1), *rails]


def desk() -> list[Part]:
    drawers = [box((0.62, -0.93, 0.2 + 0.3 * i), (0.28, 0.02, 0.13), 2) for i in range(3)]
    return [
        box((0, 0, 0.97), (1, 1, 0.03)),
        box((0.62, 0, 0.48), (0.32, 0.9, 0.46), 1),
        box((-0.95, 0, 0.48), (0.04, 0.9, 0.46), 1),
        *drawers,
    ]


def workplace() -> list[Part]:
    """A table with a board behind it, which also hangs below its top."""
    return [
        box((0, -0.03, 0.55), (1, 0.97, 0.015)),
        *square_legs(0.92, 0.85, 0.54, 0.035, 1),
        box((0, 0.95, 0.65), (1.0, 0.025, 0.35), 2),
        box((0, 0.95, 1), (1.0, 0.04, 0.008), 1),
    ]


def round_table() -> list[Part]:
    feet = [
        rod((0, 0, 0.06), (0.6 * c, 0.6 * s, 0.02), 0.05, 1)
        for c, s in ((1, 0), (-1, 0), (0, 1), (0, -1))
    ]
    return [rod((0, 0, 0.95), (0, 0, 1), 1.0), rod((0, 0, 0), (0, 0, 0.95), 0.07, 1), *feet]


def chair() -> list[Part]:
    back = [rod((x, 0.9, 0.48), (x, 1, 0.98), 0.05, 0) for x in (-0.85, -0.4, 0, 0.4, 0.85)]
    return [
        *legs(0.85, 0.85, 0.46, 0.07, 0),
        box((0, 0, 0.48), (1, 1, 0.03), 1),
        *back,
        box((0, 1, 0.95), (0.95, 0.06, 0.05), 0),
        rod((-0.85, 0, 0.2), (0.85, 0, 0.2), 0.04, 0),
    ]


def armchair() -> list[Part]:
    return [
        box((0, -0.1, 0.3), (0.7, 0.85, 0.2)),
        box((0, -0.15, 0.5), (0.68, 0.8, 0.07), 1),
        box((0, 0.8, 0.62), (0.75, 0.2, 0.38), 0, 8),
        *[box((s * 0.87, 0, 0.38), (0.13, 0.9, 0.3)) for s in (-1, 1)],
        *[rod((s * 0.87, -0.88, 0.68), (s * 0.87, 0.9, 0.68), 0.15, 0) for s in (-1, 1)],
        *legs(0.8, 0.8, 0.1, 0.05, 2),
    ]


def sofa() -> list[Part]:
    seats = [box((x, -0.15, 0.5), (0.27, 0.78, 0.09), 1) for x in (-0.56, 0, 0.56)]
    backs = [box((x, 0.62, 0.78), (0.27, 0.16, 0.22), 1, 12) for x in (-0.56, 0, 0.56)]
    return [
        box((0, 0, 0.25), (0.95, 0.95, 0.18)),
        box((0, 0.85, 0.5), (0.95, 0.15, 0.48)),
        *[box((s * 0.92, 0, 0.36), (0.08, 0.95, 0.34)) for s in (-1, 1)],
        *seats,
        *backs,
        ball((-0.65, 0.2, 0.75), (0.12, 0.18, 0.22), 2),
    ]


def bed() -> list[Part]:
    return [
        box((0, 0, 0.2), (1, 1, 0.12), 0),
        box((0, -0.02, 0.42), (0.96, 0.96, 0.12), 1),
        box((0, -0.3, 0.5), (1.0, 0.72, 0.07), 2),
        box((0, 0.98, 0.5), (1, 0.03, 0.5), 0),
        *[ball((s * 0.48, 0.74, 0.58), (0.38, 0.17, 0.09), 1) for s in (-1, 1)],
        *square_legs(0.95, 0.95, 0.1, 0.04, 0),
    ]


def shelf() -> list[Part]:
    levels = [box((0, 0, z), (0.98, 1, 0.012)) for z in (0.02, 0.27, 0.51, 0.75, 0.985)]
    sides = [box((s * 0.97, 0, 0.5), (0.03, 1, 0.5)) for s in (-1, 1)]
    things, x = [], -0.9
    for i in range(18):
        level, tall = (0.03, 0.28, 0.52, 0.76)[i % 4], 0.06 + 0.03 * ((i * 7) % 5) / 5
        wide = 0.06 + 0.05 * ((i * 5) % 7) / 7
        x = -0.85 + ((i * 0.37) % 1.7)
        things.append(box((x, -0.1, level + tall), (wide, 0.7, tall), 1 + i % 3))
    return [box((0, 0.97, 0.5), (0.97, 0.03, 0.5)), *sides, *levels, *things]


def cabinet() -> list[Part]:
    doors = [box((s * 0.49, -1.0, 0.5), (0.46, 0.03, 0.44), 1) for s in (-1, 1)]
    knobs = [ball((s * 0.1, -1.06, 0.55), (0.025, 0.05, 0.02), 2) for s in (-1, 1)]
    return [box((0, 0, 0.5), (1, 1, 0.5)), *doors, *knobs, box((0, -0.02, 1), (1.03, 1.04, 0.015))]


def drawers() -> list[Part]:
    fronts = [box((0, -1, 0.14 + 0.24 * i), (0.92, 0.04, 0.105), 1) for i in range(4)]
    knobs = [
        rod((-0.2, -1.1, 0.14 + 0.24 * i), (0.2, -1.1, 0.14 + 0.24 * i), 0.015, 2) for i in range(4)
    ]
    return [box((0, 0, 0.5), (1, 1, 0.5)), *fronts, *knobs]


def floor_lamp() -> list[Part]:
    return [
        rod((0, 0, 0), (0, 0, 0.02), 0.8, 1),
        rod((0, 0, 0), (0, 0, 0.85), 0.05, 1),
        tube((0, 0, 0.78), (0, 0, 1), 1.0, 2, 0.6),
    ]


def rug() -> list[Part]:
    return [box((0, 0, 0.5), (1, 1, 0.5), 0)]


def bench() -> list[Part]:
    slats = [box((0, -0.75 + 0.5 * i, 0.5), (1, 0.2, 0.02), 0) for i in range(4)]
    back = [box((0, 0.95, 0.65 + 0.14 * i), (1, 0.05, 0.05), 0) for i in range(3)]
    return [*slats, *back, *[box((s * 0.85, 0, 0.25), (0.03, 0.8, 0.25), 1) for s in (-1, 1)]]
