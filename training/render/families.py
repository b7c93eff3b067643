"""What things are made of: families of materials, from which every surface is drawn."""

from dataclasses import dataclass

Range = tuple[float, float]


@dataclass(frozen=True)
class Family:
    """How one kind of material looks.

    Attributes:
        textures: Kinds of texture it may wear.
        hue: Range on the colour circle, in turns.
        saturation, value: Ranges of the first colour (sRGB).
        contrast: How far the second colour lies from the first.
        period: Size of one repeat of the texture, metres.
        gloss: Range of the share of mirror-like reflection.
        vivid: Chance of a saturated colour of any hue.
        emission: Brightness of its own light.
    """

    textures: tuple[str, ...]
    hue: Range = (0.0, 1.0)
    saturation: Range = (0.02, 0.25)
    value: Range = (0.25, 0.8)
    contrast: Range = (0.1, 0.5)
    period: Range = (0.5, 2.0)
    gloss: Range = (0.0, 0.1)
    vivid: float = 0.0
    emission: float = 0.0


FAMILIES: dict[str, Family] = {
    "wall": Family(
        ("plaster", "plaster", "plain", "plain", "bricks", "stripes", "clouds", "planks", "tiles"),
        (0.03, 0.18),
        (0.0, 0.22),
        (0.45, 0.95),
        (0.03, 0.3),
        (1, 3),
        (0, 0.05),
        0.08,
    ),
    "trim": Family(
        ("plain", "wood"), (0.05, 0.15), (0, 0.3), (0.3, 0.95), (0.02, 0.2), (0.5, 1), (0, 0.1)
    ),
    "floor": Family(
        ("planks", "planks", "tiles", "tiles", "fabric", "wood", "checks", "rough", "spots"),
        (0.04, 0.12),
        (0.05, 0.5),
        (0.15, 0.7),
        (0.1, 0.5),
        (0.6, 2.5),
        (0, 0.3),
    ),
    "ground": Family(
        ("rough", "clouds", "leaves", "tiles", "bricks", "spots", "plaster"),
        (0.05, 0.32),
        (0.03, 0.45),
        (0.15, 0.6),
        (0.15, 0.6),
        (1, 6),
    ),
    "wood": Family(
        ("wood", "wood", "planks", "plain"),
        (0.04, 0.11),
        (0.1, 0.6),
        (0.12, 0.75),
        (0.15, 0.5),
        (0.3, 1.2),
        (0, 0.2),
        0.05,
    ),
    "furniture": Family(
        ("wood", "plain", "planks", "plaster"),
        (0.03, 0.15),
        (0, 0.5),
        (0.15, 0.95),
        (0.05, 0.4),
        (0.4, 1.2),
        (0, 0.2),
        0.12,
    ),
    "door": Family(
        ("wood", "plain"),
        (0.03, 0.12),
        (0, 0.5),
        (0.2, 0.9),
        (0.05, 0.3),
        (0.5, 1.2),
        (0, 0.15),
        0.1,
    ),
    "fabric": Family(
        ("fabric", "plain", "stripes", "plaid", "spots", "clouds"),
        (0, 1),
        (0.02, 0.35),
        (0.15, 0.8),
        (0.05, 0.5),
        (0.1, 0.6),
        (0, 0),
        0.15,
    ),
    "linen": Family(
        ("fabric", "plain", "stripes"),
        (0.05, 0.65),
        (0, 0.12),
        (0.6, 0.95),
        (0.02, 0.25),
        (0.2, 0.8),
    ),
    "cloth": Family(
        ("fabric", "plain", "clouds", "stripes", "plaid"),
        (0, 1),
        (0.02, 0.45),
        (0.08, 0.75),
        (0.05, 0.4),
        (0.1, 0.5),
        (0, 0),
        0.2,
    ),
    "skin": Family(
        ("plaster", "plain"),
        (0.02, 0.08),
        (0.25, 0.55),
        (0.35, 0.9),
        (0.02, 0.12),
        (0.3, 0.6),
        (0.02, 0.08),
    ),
    "hair": Family(
        ("rough", "clouds", "wood"), (0.03, 0.1), (0.1, 0.6), (0.05, 0.5), (0.2, 0.6), (0.1, 0.3)
    ),
    "metal": Family(
        ("plain", "plaster", "clouds"),
        (0.05, 0.65),
        (0, 0.1),
        (0.2, 0.85),
        (0.05, 0.3),
        (0.3, 1),
        (0.2, 0.6),
    ),
    "dark": Family(
        ("plain", "fabric", "rough"),
        (0, 1),
        (0, 0.2),
        (0.03, 0.2),
        (0.05, 0.4),
        (0.2, 0.6),
        (0, 0.25),
    ),
    "ceramic": Family(
        ("plain", "plain", "stripes", "spots"),
        (0, 1),
        (0, 0.25),
        (0.3, 0.95),
        (0.02, 0.4),
        (0.05, 0.2),
        (0.05, 0.3),
        0.2,
    ),
    "gloss": Family(
        ("plain", "clouds"),
        (0.05, 0.5),
        (0.1, 0.7),
        (0.08, 0.6),
        (0.05, 0.3),
        (0.1, 0.3),
        (0.2, 0.5),
        0.2,
    ),
    "glass": Family(
        ("plain", "clouds"), (0.5, 0.65), (0.02, 0.2), (0.05, 0.45), (0.05, 0.4), (1, 4), (0.2, 0.6)
    ),
    "thing": Family(
        ("plain", "plain", "clouds", "poster", "stripes", "checks", "text", "plaster"),
        (0, 1),
        (0.02, 0.4),
        (0.1, 0.9),
        (0.05, 0.6),
        (0.08, 0.5),
        (0, 0.3),
        0.3,
    ),
    "book": Family(
        ("plain", "text", "poster", "stripes"),
        (0, 1),
        (0.05, 0.5),
        (0.1, 0.85),
        (0.05, 0.6),
        (0.1, 0.5),
        (0, 0.1),
        0.25,
    ),
    "print": Family(
        ("poster", "text", "poster", "plaid", "spots"),
        (0, 1),
        (0.05, 0.5),
        (0.2, 0.95),
        (0.3, 0.9),
        (0.3, 1.2),
        (0, 0.1),
        0.3,
    ),
    "frame": Family(
        ("wood", "plain"), (0.05, 0.12), (0, 0.5), (0.05, 0.95), (0.02, 0.3), (0.2, 0.5), (0, 0.2)
    ),
    "card": Family(
        ("plain", "plaster", "text", "wood"),
        (0.06, 0.11),
        (0.1, 0.5),
        (0.3, 0.75),
        (0.05, 0.25),
        (0.3, 0.8),
        (0, 0.05),
        0.1,
    ),
    "food": Family(
        ("plaster", "clouds", "spots", "rough"),
        (0, 0.3),
        (0.3, 0.9),
        (0.2, 0.85),
        (0.05, 0.4),
        (0.05, 0.2),
        (0, 0.15),
    ),
    "flower": Family(("clouds", "spots"), (0, 1), (0.3, 0.9), (0.4, 0.95), (0.1, 0.4), (0.05, 0.2)),
    "leaf": Family(
        ("leaves", "leaves", "rough"),
        (0.15, 0.36),
        (0.2, 0.65),
        (0.12, 0.55),
        (0.4, 0.85),
        (0.3, 1.2),
        (0, 0.05),
        0.04,
    ),
    "bark": Family(("wood", "rough"), (0.03, 0.12), (0.05, 0.4), (0.08, 0.4), (0.3, 0.7), (0.3, 1)),
    "stone": Family(
        ("rough", "clouds", "bricks", "plaster", "spots"),
        (0.03, 0.65),
        (0.01, 0.15),
        (0.2, 0.7),
        (0.1, 0.5),
        (0.8, 4),
    ),
    "facade": Family(
        ("bricks", "plaster", "facade", "rough", "planks"),
        (0.02, 0.15),
        (0.02, 0.4),
        (0.25, 0.9),
        (0.1, 0.5),
        (1.5, 5),
    ),
    "windows": Family(
        ("facade", "facade", "bricks"),
        (0.02, 0.15),
        (0.02, 0.35),
        (0.25, 0.85),
        (0.5, 0.9),
        (5, 14),
        (0, 0.1),
    ),
    "roof": Family(
        ("tiles", "bricks", "stripes", "plaster"),
        (0.0, 0.1),
        (0.05, 0.6),
        (0.12, 0.55),
        (0.15, 0.5),
        (0.8, 2.5),
    ),
    "painted": Family(
        ("plain", "wood", "poster"),
        (0, 1),
        (0.1, 0.7),
        (0.2, 0.8),
        (0.05, 0.4),
        (0.8, 2),
        (0, 0.1),
        0.3,
    ),
    "white": Family(
        ("plain", "stripes", "plaster"),
        (0, 1),
        (0, 0.08),
        (0.65, 0.98),
        (0.02, 0.5),
        (4, 12),
        (0, 0.15),
    ),
    "car": Family(
        ("plain", "plain", "plaster"),
        (0, 1),
        (0, 0.3),
        (0.05, 0.95),
        (0.01, 0.08),
        (1, 3),
        (0.1, 0.4),
        0.35,
    ),
    "paper": Family(
        ("plain", "text", "plain", "poster", "text"),
        (0.05, 0.15),
        (0, 0.06),
        (0.85, 1.0),
        (0.02, 0.7),
        (0.15, 0.4),
        (0, 0.1),
        0.08,
    ),
    "chrome": Family(
        ("plain",), (0.5, 0.6), (0, 0.05), (0.5, 0.95), (0.02, 0.2), (1, 1), (0.4, 0.8)
    ),
    "screen": Family(
        ("plain", "poster", "text"),
        (0.5, 0.7),
        (0, 0.3),
        (0.02, 0.9),
        (0.1, 0.8),
        (0.3, 0.6),
        (0.1, 0.3),
        0.2,
        0.25,
    ),
    "light": Family(
        ("plain",), (0.06, 0.15), (0, 0.3), (0.85, 1), (0, 0.05), (1, 1), (0, 0), 0, 2.5
    ),
}

FAMILY = {name: i for i, name in enumerate(FAMILIES)}
