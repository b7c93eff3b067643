"""Walls with openings, and what hangs on or stands against them."""

from training.render.shapes import Part, ball, box, rod


def arch_wall() -> list[Part]:
    """A wall with two window openings and their frames."""
    out = [box((0, 0, 0.18), (1, 1, 0.18)), box((0, 0, 0.92), (1, 1, 0.08))]
    out += [box((x, 0, 0.6), (w, 1, 0.24)) for x, w in ((-0.9, 0.1), (0, 0.12), (0.9, 0.1))]
    for x in (-0.46, 0.46):
        out += [box((x, 0, 0.6), (0.012, 0.4, 0.24), 1), box((x, 0, 0.62), (0.34, 0.4, 0.008), 1)]
        out += [box((x, -1.2, 0.37), (0.38, 1.4, 0.012), 1)]
        out += [box((x + s * 0.33, -0.6, 0.6), (0.012, 0.6, 0.24), 1) for s in (-1, 1)]
    return out


def window_wall() -> list[Part]:
    """A wall with one window opening off its middle."""
    out = [box((0, 0, 0.17), (1, 1, 0.17)), box((0, 0, 0.93), (1, 1, 0.07))]
    out += [box((-0.6, 0, 0.6), (0.4, 1, 0.26)), box((0.77, 0, 0.6), (0.23, 1, 0.26))]
    out += [box((x, 0, 0.6), (0.01, 0.4, 0.26), 1) for x in (-0.19, 0.17, 0.53)]
    out += [
        box((0.17, -1.3, 0.35), (0.4, 1.6, 0.012), 1),
        box((0.17, 0, 0.68), (0.36, 0.4, 0.008), 1),
    ]
    return out


def door_wall() -> list[Part]:
    """A wall with an open doorway, and the door leaf standing open."""
    return [
        box((-0.45, 0, 0.5), (0.55, 1, 0.5)),
        box((0.7, 0, 0.5), (0.3, 1, 0.5)),
        box((0.25, 0, 0.9), (0.16, 1, 0.1)),
        *[box((0.25 + s * 0.155, -0.2, 0.4), (0.014, 1.1, 0.4), 1) for s in (-1, 1)],
        box((0.25, -0.2, 0.8), (0.17, 1.1, 0.012), 1),
        box((0, -1.2, 0.02), (1, 0.4, 0.02), 1),
    ]


def wall() -> list[Part]:
    return [box((0, 0, 0.5), (1, 1, 0.5)), box((0, -1.1, 0.02), (1, 0.3, 0.02), 1)]


def closed_door() -> list[Part]:
    return [
        box((0, 0, 0.49), (0.86, 0.5, 0.49), 0),
        *[box((s * 0.93, 0, 0.5), (0.08, 0.9, 0.5), 1) for s in (-1, 1)],
        box((0, 0, 0.98), (1, 0.9, 0.03), 1),
        ball((0.7, -1.0, 0.47), (0.06, 0.5, 0.02), 2),
        *[box((0, -0.5, z), (0.55, 0.15, 0.17), 0) for z in (0.27, 0.7)],
    ]


def picture() -> list[Part]:
    return [box((0, 0, 0.5), (1, 1, 0.5), 0), box((0, -1, 0.5), (0.88, 0.2, 0.42), 1)]


def pane() -> list[Part]:
    """A window that shows no outside: frosted glass, a lowered blind, a lit panel."""
    slats = [box((0, -1.1, 0.05 + 0.09 * i), (0.9, 0.1, 0.008), 1) for i in range(11)]
    return [box((0, 0, 0.5), (1, 1, 0.5), 1), box((0, -1, 0.5), (0.93, 0.2, 0.46), 0), *slats]


def curtain() -> list[Part]:
    folds = [
        rod(
            (-0.95 + 0.19 * i, 0.3 * (i % 2), 0),
            (-0.95 + 0.19 * i, 0.3 * (i % 2), 0.97),
            (0.13, 0.8),
            0,
        )
        for i in range(11)
    ]
    return [*folds, rod((-1.1, 0, 0.98), (1.1, 0, 0.98), (0.02, 0.2), 1)]


def ceiling_lamp() -> list[Part]:
    return [
        rod((0, 0, 0.35), (0, 0, 1), 0.04, 1),
        rod((0, 0, 0), (0, 0, 0.4), 1.0, 0, 0.35),
        ball((0, 0, 0.02), (0.5, 0.5, 0.1), 2),
    ]


def wall_shelf() -> list[Part]:
    things = []
    for i in range(9):
        tall = 0.18 + 0.25 * ((i * 7) % 5) / 5
        make = ball if i % 3 == 2 else box
        things.append(make((-0.85 + 0.21 * i, -0.1, 0.1 + tall), (0.07, 0.6, tall), i % 3))
    return [
        box((0, 0, 0.05), (1, 1, 0.05), 3),
        *things,
        *[box((s * 0.7, 0.2, -0.1), (0.03, 0.7, 0.12), 3) for s in (-1, 1)],
    ]


def pipes() -> list[Part]:
    out = [
        rod((-1 + 0.3 * i, 0, 0), (-1 + 0.3 * i, 0, 1), 0.03 + 0.02 * (i % 3), i % 2)
        for i in range(7)
    ]
    return out + [rod((-1, 0, z), (1, 0, z), (0.04, 0.04), 1) for z in (0.3, 0.8)]


def stairs() -> list[Part]:
    return [
        box(
            (0, -0.9 + 0.2 * i, 0.05 + 0.05 * i),
            (1, 1.0 if i == 0 else 0.12, 0.05 + 0.05 * i),
            i % 2,
        )
        for i in range(10)
    ]
