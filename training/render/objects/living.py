"""People, animals and plants."""

import math

from training.render.objects.furniture import legs
from training.render.shapes import Part, ball, box, rod


def person() -> list[Part]:
    legs = [
        rod((s * 0.35, 0.1 * s, 0.5), (s * 0.4, -0.1 * s, 0.03), (0.28, 0.42), 1, 0.6)
        for s in (-1, 1)
    ]
    arms = [
        rod((s * 0.85, 0, 0.79), (s * 1.0, -0.15, 0.58), (0.17, 0.25), 0, 0.85) for s in (-1, 1)
    ]
    fore = [
        rod((s * 1.0, -0.15, 0.58), (s * 0.9, -0.5, 0.45), (0.13, 0.2), 2, 0.8) for s in (-1, 1)
    ]
    feet = [ball((s * 0.4, -0.3, 0.03), (0.22, 0.6, 0.03), 3) for s in (-1, 1)]
    return [
        *legs,
        *arms,
        *fore,
        *feet,
        rod((0, 0, 0.82), (0, 0, 0.5), (0.78, 0.62), 0, 0.8),
        ball((0, 0, 0.8), (0.8, 0.6, 0.045), 0),
        rod((0, 0, 0.8), (0, 0, 0.88), 0.2, 2),
        ball((0, -0.05, 0.925), (0.32, 0.5, 0.075), 2),
        ball((0, 0.08, 0.945), (0.35, 0.5, 0.06), 3),
    ]


def bust() -> list[Part]:
    return [
        ball((0, 0, 0.25), (1.0, 0.75, 0.36), 0),
        rod((0, 0, 0.5), (0, 0, -0.6), (0.82, 0.8), 0, 0.9),
        *[rod((s * 0.85, 0, 0.35), (s * 1.1, -0.2, -0.5), (0.25, 0.4), 0, 0.85) for s in (-1, 1)],
        rod((0, 0, 0.5), (0, -0.05, 0.72), (0.24, 0.35), 1),
        ball((0, -0.1, 0.78), (0.34, 0.55, 0.22), 1),
        ball((0, 0.08, 0.84), (0.38, 0.58, 0.2), 2),
        ball((0, -0.66, 0.76), (0.05, 0.1, 0.035), 1),
        *[ball((s * 0.35, 0, 0.78), (0.05, 0.1, 0.05), 1) for s in (-1, 1)],
        *[box((s * 0.16, 0.1, 0.55), (0.06, 0.3, 0.16), 2, 20) for s in (-1, 1)],
    ]


def sitting() -> list[Part]:
    thighs = [rod((s * 0.4, 0.2, 0.4), (s * 0.5, -0.8, 0.42), (0.3, 0.09), 1, 0.8) for s in (-1, 1)]
    shins = [
        rod((s * 0.5, -0.8, 0.42), (s * 0.5, -0.7, 0.02), (0.22, 0.22), 1, 0.7) for s in (-1, 1)
    ]
    arms = [rod((s * 0.85, 0.2, 0.74), (s * 0.9, -0.3, 0.5), (0.18, 0.09), 0, 0.8) for s in (-1, 1)]
    return [
        *thighs,
        *shins,
        *arms,
        rod((0, 0.25, 0.8), (0, 0.2, 0.36), (0.8, 0.4), 0, 0.85),
        rod((0, 0.25, 0.76), (0, 0.2, 0.86), 0.2, 2),
        ball((0, 0.15, 0.91), (0.35, 0.3, 0.095), 2),
        ball((0, 0.22, 0.935), (0.37, 0.3, 0.08), 3),
        box((0, 0.3, 0.3), (0.9, 0.6, 0.05), 3),
        *legs(0.8, 0.6, 0.28, 0.06, 3),
    ]


def animal() -> list[Part]:
    legs = [
        rod((x, y, 0), (x * 0.95, y, 0.45), 0.09, 0, 0.9) for x in (-0.6, 0.5) for y in (-0.5, 0.5)
    ]
    return [
        *legs,
        ball((-0.05, 0, 0.58), (0.72, 0.8, 0.2), 0),
        ball((0.72, 0, 0.83), (0.25, 0.5, 0.15), 0),
        rod((0.5, 0, 0.62), (0.7, 0, 0.8), 0.17, 0),
        *[rod((0.66, s * 0.3, 0.92), (0.66, s * 0.35, 1.02), 0.07, 0, 0.2) for s in (-1, 1)],
        rod((-0.7, 0, 0.65), (-1, 0, 0.9), 0.05, 0),
        ball((0.93, 0, 0.8), (0.13, 0.25, 0.06), 1),
    ]


def potted_plant() -> list[Part]:
    leaves = []
    for i in range(14):
        a, out, z = 2.4 * i, 0.35 + 0.5 * ((i * 5) % 7) / 7, 0.5 + 0.45 * ((i * 3) % 11) / 11
        leaves.append(rod((0, 0, 0.35), (out * math.cos(a), out * math.sin(a), z), 0.02, 1))
        at = (out * math.cos(a), out * math.sin(a), z)
        leaves.append(ball(at, (0.25, 0.25, 0.05), 1)) if i % 2 else None
    return [
        rod((0, 0, 0.32), (0, 0, 0), 0.5, 0, 0.7),
        rod((0, 0, 0.3), (0, 0, 0.34), 0.52, 0),
        *leaves,
    ]


def blobs(count: int, low: float, size: float, slot: int) -> list[Part]:
    out = []
    for i in range(count):
        a, r = 2.4 * i, 0.62 * math.sqrt((i + 0.5) / count)
        z = low + (1 - low - size * 0.7) * ((i * 0.618 + 0.3) % 1.0)
        half = size * (0.75 + 0.5 * ((i * 7) % 5) / 5)
        out.append(
            ball(
                (r * math.cos(a), r * math.sin(a), z),
                (half * 1.3, half * 1.3, half * 0.7),
                slot + i % 2,
            )
        )
    return out


def tree() -> list[Part]:
    branches = [
        rod((0, 0, 0.35), (0.45 * math.cos(a), 0.45 * math.sin(a), 0.62), 0.03, 0, 0.4)
        for a in (0.3, 2.3, 4.4)
    ]
    return [rod((0, 0, 0), (0.03, 0, 0.7), 0.07, 0, 0.5), *branches, *blobs(20, 0.45, 0.24, 1)]


def bare_tree() -> list[Part]:
    out = [rod((0, 0, 0), (0, 0, 0.6), 0.07, 0, 0.5)]
    for i in range(9):
        a, z = 2.4 * i, 0.3 + 0.035 * i
        mid = (0.45 * math.cos(a), 0.45 * math.sin(a), z + 0.2)
        out += [rod((0, 0, z), mid, 0.025, 0, 0.5)]
        out += [
            rod(
                mid,
                (
                    mid[0] * 1.7 + 0.2 * math.cos(a + j),
                    mid[1] * 1.7 + 0.2 * math.sin(a + j),
                    min(1.0, mid[2] + 0.25),
                ),
                0.014,
                0,
                0.3,
            )
            for j in (-1.2, 1.2)
        ]
    return out


def conifer() -> list[Part]:
    layers = [
        rod((0, 0, 0.12 + 0.13 * i), (0, 0, 0.4 + 0.12 * i), 1 - 0.17 * i, 1, 0.02)
        for i in range(6)
    ]
    return [rod((0, 0, 0), (0, 0, 0.2), 0.1, 0), *layers]


def bush() -> list[Part]:
    return blobs(14, 0.1, 0.35, 0)


def rock() -> list[Part]:
    return [
        ball((0, 0, 0.3), (0.9, 0.8, 0.6), 0),
        ball((0.3, -0.3, 0.2), (0.6, 0.6, 0.5), 0),
        box((-0.3, 0.1, 0.3), (0.5, 0.6, 0.4), 0, 20),
    ]


def grass() -> list[Part]:
    out = []
    for i in range(26):
        a, r = 2.4 * i, math.sqrt(i / 26)
        x, y, lean = r * math.cos(a), r * math.sin(a), 0.25 * math.sin(5 * i)
        out.append(
            rod(
                (x, y, 0),
                (x + lean, y + lean * 0.7, 0.6 + 0.4 * ((i * 3) % 7) / 7),
                0.03,
                i % 2,
                0.1,
            )
        )
    return out
