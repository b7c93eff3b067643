"""Small things, for table tops and shelves."""

import math

from training.render.shapes import Part, ball, basin, box, ring, rod, slanted, tube


def cup() -> list[Part]:
    handle = ring((0.95, 0, 0.5), 0.42, 0.28, 0.07, 0, 8)
    return [
        rod((0, 0, 1), (0, 0, 0), 0.8, 0, 0.75),
        rod((0, 0, 0.97), (0, 0, 1.003), 0.72, 1),
        *handle,
        rod((0, 0, 0), (0, 0, 0.05), 1.9, 0),
    ]


def mug() -> list[Part]:
    """A cup on its saucer, half full: its inside is seen."""
    handle = ring((0.62, 0, 0.55), 0.25, 0.26, 0.05, 0, 7)
    return [
        tube((0, 0, 1), (0, 0, 0.06), 0.6, 0, 0.7),
        tube((0, 0, 1), (0, 0, 0.1), 0.55, 0, 0.7),
        rod((0, 0, 0.1), (0, 0, 0.8), 0.5, 1),
        *handle,
        rod((0, 0, 0.08), (0, 0, 0), 1.0, 0, 0.6),
        basin((0, 0, 0.05), 1.0, 0.1, 0),
    ]


def empty_cup() -> list[Part]:
    handle = ring((0.95, 0, 0.5), 0.42, 0.28, 0.07, 0, 8)
    return [
        tube((0, 0, 1), (0, 0, 0), 0.85, 0, 0.8),
        tube((0, 0, 1), (0, 0, 0), 0.78, 1, 0.8),
        rod((0, 0, 0), (0, 0, 0.06), 0.68, 1),
        *handle,
    ]


def dish() -> list[Part]:
    """A deep bowl with something at its bottom."""
    return [
        basin((0, 0, 0), 1.0, 1.0, 0),
        basin((0, 0, 0.04), 0.96, 0.96, 1),
        rod((0, 0, 0), (0, 0, 0.05), 0.5, 0),
        ball((0.1, 0, 0.25), (0.5, 0.45, 0.2), 2),
        ball((-0.3, 0.2, 0.25), (0.3, 0.3, 0.2), 2),
    ]


def bucket() -> list[Part]:
    return [
        tube((0, 0, 1), (0, 0, 0), 1.0, 0, 0.7),
        tube((0, 0, 1), (0, 0, 0), 0.96, 1, 0.7),
        rod((0, 0, 0), (0, 0, 0.3), 0.72, 1),
        *[rod((s * 0.9, 0, 0.95), (s * 1.02, 0, 0.7), 0.05, 0) for s in (-1, 1)],
    ]


def sheets() -> list[Part]:
    """Paper lying about."""
    return [
        box((0, 0, 0.2), (1, 0.75, 0.2), 0),
        Part(((0.6, 0.25, 0), (-0.2, 0.6, 0), (0, 0, 0.2)), (0.9, 0.6, 0.5), None, 1),
    ]


def pens() -> list[Part]:
    return [
        rod((-1, 0, 0.5), (1, 0.3, 0.5), 0.08, 0),
        rod((-0.6, 0.8, 0.5), (0.7, -0.7, 0.5), 0.08, 1),
    ]


def bag() -> list[Part]:
    return [
        ball((0, 0, 0.35), (1, 0.7, 0.36), 0),
        box((0, 0, 0.45), (0.8, 0.5, 0.4), 0, 6),
        box((0, -0.52, 0.5), (0.5, 0.04, 0.22), 1, 6),
        *ring((0, 0, 0.85), 0.35, 0.15, 0.04, 2, 6),
    ]


def globe() -> list[Part]:
    return [
        ball((0, 0, 0.58), (0.95, 0.95, 0.42), 0),
        rod((0, 0, 0), (0, 0, 0.06), 0.6, 1),
        rod((0, 0, 0), (0, 0, 0.2), 0.08, 1),
    ]


def bottle() -> list[Part]:
    return [
        rod((0, 0, 0), (0, 0, 0.6), 1.0, 0),
        rod((0, 0, 0.6), (0, 0, 0.78), 1.0, 0, 0.35),
        rod((0, 0, 0.78), (0, 0, 0.96), 0.35, 0),
        rod((0, 0, 0.94), (0, 0, 1), 0.4, 1),
        rod((0, 0, 0.2), (0, 0, 0.5), 1.02, 2),
    ]


def bowl() -> list[Part]:
    return [
        rod((0, 0, 0.9), (0, 0, 0), 1.0, 0, 0.5),
        ball((0, 0, 0.8), (0.9, 0.9, 0.25), 1),
        ball((-0.3, 0.2, 1.05), (0.35, 0.35, 0.35), 2),
        ball((0.35, 0, 1.0), (0.38, 0.38, 0.38), 2),
        ball((0, -0.35, 1.0), (0.33, 0.33, 0.33), 1),
    ]


def plate() -> list[Part]:
    return [
        rod((0, 0, 1), (0, 0, 0), 1.0, 0, 0.6),
        ball((0.1, 0.1, 1.0), (0.5, 0.45, 1.2), 1),
        ball((-0.4, -0.2, 1.0), (0.3, 0.3, 1.0), 2),
    ]


def cutlery() -> list[Part]:
    return [
        rod((-1, 0, 0.5), (0.4, 0, 0.6), 0.1, 0),
        ball((0.7, 0, 0.5), (0.35, 0.9, 0.4), 0),
    ]


def vase() -> list[Part]:
    stems = [
        rod((0, 0, 0.4), (0.8 * math.cos(a), 0.8 * math.sin(a), 0.9), 0.03, 2)
        for a in (0, 1.3, 2.5, 3.8, 5)
    ]
    heads = [
        ball((0.8 * math.cos(a), 0.8 * math.sin(a), 0.92), (0.3, 0.3, 0.08), 1)
        for a in (0, 1.3, 2.5, 3.8, 5)
    ]
    return [
        ball((0, 0, 0.2), (0.6, 0.6, 0.2), 0),
        rod((0, 0, 0.3), (0, 0, 0.5), 0.3, 0),
        *stems,
        *heads,
    ]


def monitor() -> list[Part]:
    return [
        box((0, 0, 0.62), (1, 0.25, 0.38), 0),
        box((0, -0.26, 0.62), (0.95, 0.02, 0.34), 1),
        rod((0, 0.1, 0), (0, 0.1, 0.4), 0.06, 0),
        box((0, 0, 0.015), (0.4, 0.9, 0.015), 0),
    ]


def laptop() -> list[Part]:
    return [
        box((0, -0.1, 0.04), (1, 0.9, 0.04), 0),
        box((0, -0.05, 0.085), (0.9, 0.5, 0.006), 2),
        box((0, 0.9, 0.5), (1, 0.03, 0.48), 0, 0),
        box((0, 0.86, 0.52), (0.93, 0.02, 0.42), 1, 0),
    ]


def keyboard() -> list[Part]:
    keys = [
        box((-0.8 + 0.32 * i, -0.6 + 0.4 * j, 0.7), (0.14, 0.17, 0.3), 1)
        for i in range(6)
        for j in range(4)
    ]
    return [box((0, 0, 0.3), (1, 1, 0.3), 0), *keys]


def books() -> list[Part]:
    return [
        box((0, 0, 0.13), (1, 1, 0.13), 0),
        slanted((0.05, 0.05, 0.38), (0.9, 0.92, 0.11), 1, 0),
        box((-0.08, 0, 0.62), (0.8, 0.95, 0.12), 2),
        box((0.06, -0.1, 0.86), (0.7, 0.7, 0.13), 0),
    ]


def standing_books() -> list[Part]:
    out = []
    for i in range(9):
        tall = 0.38 + 0.12 * ((i * 3) % 5) / 5
        out.append(box((-0.88 + 0.22 * i, 0, tall), (0.1, 0.8 + 0.04 * (i % 4), tall), i % 3))
    return out


def crate() -> list[Part]:
    return [
        box((0, 0, 0.5), (1, 1, 0.5)),
        box((0, 0, 0.98), (1.02, 0.2, 0.03), 1),
        box((0, -1.0, 0.6), (0.4, 0.02, 0.25), 2),
    ]


def open_box() -> list[Part]:
    walls = [box((s * 0.97, 0, 0.5), (0.03, 1, 0.5)) for s in (-1, 1)]
    walls += [box((0, s * 0.97, 0.5), (1, 0.03, 0.5)) for s in (-1, 1)]
    flaps = [slanted((s * 1.3, 0, 0.9), (0.35, 0.95, 0.02), 0, s * 25) for s in (-1, 1)]
    return [
        *walls,
        *flaps,
        box((0, 0, 0.3), (0.95, 0.95, 0.3), 1),
        ball((0, 0, 0.7), (0.5, 0.5, 0.3), 2),
    ]


def barrel() -> list[Part]:
    bands = [rod((0, 0, z), (0, 0, z + 0.04), 1.03, 1) for z in (0.05, 0.3, 0.66, 0.91)]
    return [rod((0, 0, 0), (0, 0, 1), 1.0), *bands]


def sphere() -> list[Part]:
    return [ball((0, 0, 0.5), (1, 1, 0.5))]


def fruit() -> list[Part]:
    places = ((0, 0), (1.6, 0.5), (0.4, 1.7), (-1.5, 0.4))
    return [ball((x, y, 0.5), (0.9, 0.9, 0.5), i % 2) for i, (x, y) in enumerate(places)]
