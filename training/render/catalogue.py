"""The classes of objects: their parts, their sizes in metres and what they are made of."""

from dataclasses import dataclass

from training.render.objects import furniture, living, outdoors, small, walls
from training.render.shapes import Part

Range = tuple[float, float]


@dataclass(frozen=True)
class ObjectClass:
    """One kind of object.

    Attributes:
        parts: Its primitives, in the unit box of `training.render.shapes`.
        width, depth, height: Ranges of half width, half depth and height, metres.
        materials: Family of each material slot (see `training.render.materials`).
        top: Height, as a share of the object's, of a surface that can carry clutter; 0 for none.
    """

    parts: list[Part]
    width: Range
    depth: Range
    height: Range
    materials: tuple[str, ...]
    top: float = 0.0


CLASSES: dict[str, ObjectClass] = {
    "floor": ObjectClass(furniture.rug(), (1, 1), (1, 1), (0.2, 0.2), ("floor",)),
    "ground": ObjectClass(furniture.rug(), (400, 400), (400, 400), (0.5, 0.5), ("ground",)),
    "ceiling": ObjectClass(furniture.rug(), (1, 1), (1, 1), (0.2, 0.2), ("wall",)),
    "wall": ObjectClass(walls.wall(), (1, 1), (0.05, 0.08), (1, 1), ("wall", "trim")),
    "window_wall": ObjectClass(walls.window_wall(), (1, 1), (0.07, 0.15), (1, 1), ("wall", "trim")),
    "two_windows": ObjectClass(walls.arch_wall(), (1, 1), (0.07, 0.15), (1, 1), ("wall", "trim")),
    "door_wall": ObjectClass(walls.door_wall(), (1, 1), (0.06, 0.1), (1, 1), ("wall", "trim")),
    "closed_door": ObjectClass(
        walls.closed_door(), (0.4, 0.55), (0.05, 0.07), (1.95, 2.2), ("door", "trim", "metal")
    ),
    "picture": ObjectClass(
        walls.picture(), (0.15, 0.8), (0.015, 0.03), (0.3, 1.1), ("frame", "print")
    ),
    "pane": ObjectClass(walls.pane(), (0.3, 0.9), (0.02, 0.03), (0.5, 1.3), ("light", "trim")),
    "whiteboard": ObjectClass(
        walls.picture(), (0.3, 1.0), (0.015, 0.03), (0.4, 1.1), ("frame", "paper")
    ),
    "curtain": ObjectClass(
        walls.curtain(), (0.35, 0.8), (0.05, 0.08), (1.6, 2.3), ("fabric", "metal")
    ),
    "wall_shelf": ObjectClass(
        walls.wall_shelf(),
        (0.3, 0.8),
        (0.1, 0.16),
        (0.3, 0.4),
        ("thing", "book", "ceramic", "wood"),
    ),
    "ceiling_lamp": ObjectClass(
        walls.ceiling_lamp(), (0.12, 0.3), (0.12, 0.3), (0.4, 1.0), ("thing", "dark", "light")
    ),
    "table": ObjectClass(
        furniture.table(), (0.45, 1.0), (0.35, 0.55), (0.42, 0.78), ("wood", "wood"), 1.005
    ),
    "desk": ObjectClass(
        furniture.desk(), (0.6, 0.9), (0.3, 0.42), (0.7, 0.76), ("wood", "wood", "furniture"), 1.0
    ),
    "workplace": ObjectClass(
        furniture.workplace(),
        (0.6, 1.1),
        (0.35, 0.5),
        (1.15, 1.5),
        ("wood", "metal", "fabric"),
        0.57,
    ),
    "round_table": ObjectClass(
        furniture.round_table(), (0.3, 0.65), (0.3, 0.65), (0.45, 0.76), ("wood", "metal"), 1.0
    ),
    "chair": ObjectClass(
        furniture.chair(), (0.2, 0.24), (0.2, 0.24), (0.8, 1.0), ("wood", "fabric"), 0.51
    ),
    "office_chair": ObjectClass(
        furniture.office_chair(),
        (0.26, 0.34),
        (0.26, 0.34),
        (0.8, 1.15),
        ("fabric", "dark", "metal"),
        0.53,
    ),
    "lounger": ObjectClass(
        furniture.lounger(), (0.28, 0.4), (0.35, 0.5), (0.75, 1.05), ("linen", "chrome"), 0.45
    ),
    "rack": ObjectClass(
        furniture.rack(),
        (0.4, 1.0),
        (0.18, 0.35),
        (1.0, 2.2),
        ("metal", "card", "thing", "white"),
        1.0,
    ),
    "partition": ObjectClass(
        furniture.partition(), (0.5, 1.2), (0.02, 0.04), (0.9, 1.7), ("fabric", "metal")
    ),
    "armchair": ObjectClass(
        furniture.armchair(),
        (0.36, 0.5),
        (0.36, 0.48),
        (0.75, 1.0),
        ("fabric", "fabric", "wood"),
        0.57,
    ),
    "sofa": ObjectClass(
        furniture.sofa(), (0.8, 1.2), (0.4, 0.5), (0.7, 0.95), ("fabric", "fabric", "print"), 0.59
    ),
    "bed": ObjectClass(
        furniture.bed(), (0.5, 0.95), (0.95, 1.1), (0.8, 1.1), ("wood", "linen", "fabric"), 0.57
    ),
    "shelf": ObjectClass(
        furniture.shelf(),
        (0.35, 0.9),
        (0.14, 0.2),
        (1.2, 2.2),
        ("wood", "book", "thing", "book"),
        1.0,
    ),
    "cabinet": ObjectClass(
        furniture.cabinet(),
        (0.35, 0.8),
        (0.2, 0.32),
        (0.7, 2.0),
        ("furniture", "furniture", "metal"),
        1.015,
    ),
    "drawers": ObjectClass(
        furniture.drawers(),
        (0.25, 0.6),
        (0.2, 0.28),
        (0.5, 1.1),
        ("furniture", "furniture", "metal"),
        1.0,
    ),
    "floor_lamp": ObjectClass(
        furniture.floor_lamp(), (0.14, 0.24), (0.14, 0.24), (1.3, 1.7), ("metal", "dark", "light")
    ),
    "desk_lamp": ObjectClass(
        furniture.floor_lamp(), (0.07, 0.14), (0.07, 0.14), (0.3, 0.5), ("metal", "metal", "light")
    ),
    "person": ObjectClass(
        living.person(), (0.2, 0.26), (0.14, 0.19), (1.5, 1.9), ("cloth", "cloth", "skin", "dark")
    ),
    "bust": ObjectClass(
        living.bust(), (0.22, 0.28), (0.14, 0.19), (0.58, 0.66), ("cloth", "skin", "hair")
    ),
    "sitting": ObjectClass(
        living.sitting(), (0.2, 0.25), (0.32, 0.4), (1.2, 1.4), ("cloth", "cloth", "skin", "hair")
    ),
    "potted_plant": ObjectClass(
        living.potted_plant(), (0.12, 0.35), (0.12, 0.35), (0.25, 1.1), ("ceramic", "leaf")
    ),
    "tree": ObjectClass(living.tree(), (1.2, 3.5), (1.2, 3.5), (3.5, 10), ("bark", "leaf", "leaf")),
    "bare_tree": ObjectClass(living.bare_tree(), (1.2, 3.0), (1.2, 3.0), (4, 9), ("bark",)),
    "conifer": ObjectClass(living.conifer(), (0.8, 2.2), (0.8, 2.2), (3.5, 12), ("bark", "leaf")),
    "bush": ObjectClass(living.bush(), (0.4, 1.5), (0.4, 1.5), (0.5, 1.6), ("leaf", "leaf")),
    "rock": ObjectClass(living.rock(), (0.15, 1.2), (0.15, 1.0), (0.12, 1.0), ("stone",)),
    "grass": ObjectClass(living.grass(), (0.15, 0.5), (0.15, 0.5), (0.2, 0.7), ("leaf", "leaf")),
    "animal": ObjectClass(living.animal(), (0.2, 0.5), (0.07, 0.14), (0.25, 0.7), ("hair", "dark")),
    "cup": ObjectClass(
        small.cup(), (0.03, 0.055), (0.03, 0.055), (0.06, 0.11), ("ceramic", "dark")
    ),
    "mug": ObjectClass(
        small.mug(), (0.06, 0.085), (0.06, 0.085), (0.06, 0.09), ("ceramic", "dark")
    ),
    "empty_cup": ObjectClass(
        small.empty_cup(), (0.03, 0.06), (0.03, 0.06), (0.06, 0.12), ("ceramic", "ceramic")
    ),
    "dish": ObjectClass(
        small.dish(), (0.06, 0.15), (0.06, 0.15), (0.04, 0.1), ("ceramic", "ceramic", "food")
    ),
    "bucket": ObjectClass(
        small.bucket(), (0.1, 0.22), (0.1, 0.22), (0.2, 0.45), ("thing", "thing")
    ),
    "sheets": ObjectClass(
        small.sheets(), (0.08, 0.18), (0.1, 0.2), (0.003, 0.006), ("paper", "paper")
    ),
    "pens": ObjectClass(
        small.pens(), (0.05, 0.09), (0.05, 0.09), (0.008, 0.012), ("thing", "dark")
    ),
    "bag": ObjectClass(
        small.bag(), (0.12, 0.25), (0.08, 0.16), (0.2, 0.45), ("cloth", "print", "dark")
    ),
    "globe": ObjectClass(small.globe(), (0.1, 0.18), (0.1, 0.18), (0.25, 0.42), ("print", "metal")),
    "bottle": ObjectClass(
        small.bottle(), (0.03, 0.045), (0.03, 0.045), (0.2, 0.32), ("gloss", "thing", "print")
    ),
    "bowl": ObjectClass(
        small.bowl(), (0.06, 0.14), (0.06, 0.14), (0.06, 0.12), ("ceramic", "food", "food")
    ),
    "plate": ObjectClass(
        small.plate(), (0.09, 0.15), (0.09, 0.15), (0.015, 0.03), ("ceramic", "food", "food")
    ),
    "cutlery": ObjectClass(
        small.cutlery(), (0.07, 0.11), (0.012, 0.02), (0.008, 0.015), ("metal",)
    ),
    "vase": ObjectClass(
        small.vase(), (0.06, 0.18), (0.06, 0.18), (0.25, 0.6), ("ceramic", "flower", "leaf")
    ),
    "monitor": ObjectClass(
        small.monitor(), (0.2, 0.35), (0.08, 0.12), (0.35, 0.55), ("dark", "screen")
    ),
    "laptop": ObjectClass(
        small.laptop(), (0.15, 0.19), (0.11, 0.14), (0.2, 0.25), ("metal", "screen", "dark")
    ),
    "keyboard": ObjectClass(
        small.keyboard(), (0.14, 0.22), (0.06, 0.08), (0.02, 0.03), ("dark", "thing")
    ),
    "books": ObjectClass(
        small.books(), (0.07, 0.13), (0.09, 0.16), (0.06, 0.22), ("book", "book", "book"), 1.0
    ),
    "standing_books": ObjectClass(
        small.standing_books(), (0.1, 0.25), (0.07, 0.11), (0.2, 0.32), ("book", "book", "book")
    ),
    "crate": ObjectClass(
        small.crate(), (0.06, 0.4), (0.06, 0.4), (0.08, 0.5), ("card", "thing", "print"), 1.01
    ),
    "open_box": ObjectClass(
        small.open_box(), (0.1, 0.35), (0.1, 0.3), (0.12, 0.4), ("card", "thing", "food")
    ),
    "barrel": ObjectClass(
        small.barrel(), (0.1, 0.35), (0.1, 0.35), (0.25, 0.95), ("thing", "metal"), 1.0
    ),
    "ball": ObjectClass(small.sphere(), (0.04, 0.16), (0.04, 0.16), (0.08, 0.32), ("thing",)),
    "fruit": ObjectClass(small.fruit(), (0.03, 0.05), (0.03, 0.05), (0.06, 0.09), ("food", "food")),
    "car": ObjectClass(
        outdoors.car(), (1.9, 2.3), (0.8, 0.9), (1.35, 1.6), ("car", "glass", "dark", "metal")
    ),
    "van": ObjectClass(
        outdoors.van(), (2.2, 3.2), (0.9, 1.1), (1.9, 2.8), ("car", "glass", "dark")
    ),
    "bicycle": ObjectClass(
        outdoors.bicycle(), (0.8, 0.95), (0.2, 0.3), (0.95, 1.1), ("car", "dark", "dark")
    ),
    "motorcycle": ObjectClass(
        outdoors.motorcycle(),
        (0.95, 1.15),
        (0.22, 0.35),
        (1.0, 1.2),
        ("car", "dark", "metal", "dark"),
    ),
    "fence": ObjectClass(outdoors.fence(), (1.5, 4), (0.02, 0.04), (0.8, 1.6), ("wood",)),
    "railing": ObjectClass(outdoors.railing(), (1.0, 3), (1.0, 3), (0.8, 1.2), ("metal",)),
    "lamp_post": ObjectClass(
        outdoors.lamp_post(), (0.5, 1.2), (0.5, 1.2), (3.5, 8), ("metal", "light")
    ),
    "sign": ObjectClass(outdoors.sign(), (0.25, 0.6), (0.25, 0.6), (1.8, 3), ("metal", "print")),
    "rocket": ObjectClass(outdoors.rocket(), (3, 9), (3, 9), (12, 45), ("white", "metal", "stone")),
    "house": ObjectClass(outdoors.house(), (3, 7), (3, 6), (5, 9), ("facade", "roof", "glass")),
    "building": ObjectClass(
        outdoors.building(), (5, 14), (4, 10), (8, 30), ("windows", "facade", "glass")
    ),
    "pavilion": ObjectClass(
        outdoors.pavilion(), (2.5, 7), (2.5, 7), (4, 10), ("painted", "roof", "stone", "door")
    ),
    "stairs": ObjectClass(walls.stairs(), (0.6, 2.5), (1.2, 2.5), (1.2, 2.5), ("stone", "stone")),
    "bench": ObjectClass(
        furniture.bench(), (0.6, 1.0), (0.22, 0.3), (0.75, 0.9), ("wood", "metal"), 0.52
    ),
    "pipes": ObjectClass(walls.pipes(), (0.4, 1.2), (0.4, 0.6), (1.5, 2.6), ("metal", "thing")),
    "rug": ObjectClass(furniture.rug(), (0.5, 1.5), (0.4, 1.2), (0.01, 0.02), ("print",)),
    "hill": ObjectClass(outdoors.hill(), (40, 160), (30, 90), (5, 45), ("ground",)),
    "mountain": ObjectClass(outdoors.mountain(), (60, 160), (60, 160), (30, 110), ("stone",)),
}
"""Every class by name; its place in this dict is its index."""

NAMES = list(CLASSES)
