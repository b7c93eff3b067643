"""What kinds of objects each kind of scene holds, as shares."""

from training.render.catalogue import NAMES


def weights(share: dict[str, float]) -> list[float]:
    """The shares in the order of the catalogue."""
    return [share.get(name, 0.0) for name in NAMES]


_HOUSEHOLD = {
    "table": 2,
    "round_table": 1.5,
    "chair": 3,
    "office_chair": 1.5,
    "lounger": 1,
    "rack": 0.8,
    "partition": 0.7,
    "bag": 0.7,
    "bucket": 0.7,
    "armchair": 2,
    "sofa": 1,
    "person": 1.5,
    "sitting": 1.2,
    "potted_plant": 1.5,
    "floor_lamp": 1,
    "crate": 1.5,
    "open_box": 1.2,
    "barrel": 0.6,
    "ball": 0.5,
    "bicycle": 0.5,
    "motorcycle": 0.8,
    "animal": 0.6,
    "drawers": 1,
    "cabinet": 0.7,
    "shelf": 0.8,
    "bed": 0.5,
    "rug": 1.2,
    "desk": 1,
    "workplace": 2,
    "bench": 0.5,
    "stairs": 0.2,
    "books": 0.4,
}
_SMALL = {
    "cup": 1.2,
    "mug": 1.5,
    "empty_cup": 1.5,
    "dish": 1.2,
    "sheets": 1.5,
    "pens": 0.8,
    "bag": 0.4,
    "globe": 0.3,
    "bucket": 0.2,
    "bottle": 2.2,
    "bowl": 0.8,
    "plate": 2,
    "cutlery": 1.5,
    "vase": 1.2,
    "books": 2,
    "standing_books": 1.2,
    "laptop": 0.8,
    "monitor": 0.6,
    "keyboard": 0.6,
    "crate": 1,
    "open_box": 0.5,
    "ball": 0.7,
    "fruit": 1.5,
    "potted_plant": 0.7,
    "desk_lamp": 0.8,
    "animal": 0.15,
    "barrel": 0.15,
}
_CITY = {
    "car": 3,
    "van": 1,
    "person": 3,
    "tree": 2,
    "bare_tree": 1,
    "lamp_post": 1.5,
    "sign": 1.2,
    "bicycle": 1,
    "motorcycle": 0.8,
    "bench": 1,
    "fence": 1,
    "bush": 1,
    "barrel": 0.5,
    "crate": 0.5,
    "railing": 0.5,
    "stairs": 0.4,
}
_WILD = {
    "tree": 3,
    "conifer": 2,
    "bare_tree": 1.2,
    "bush": 2.5,
    "rock": 3,
    "grass": 3,
    "fence": 1,
    "animal": 1,
    "person": 1,
    "bench": 0.4,
    "sign": 0.3,
    "railing": 0.4,
    "house": 0.3,
}
_FAR_CITY = {"building": 5, "house": 2.5, "tree": 2, "conifer": 0.5, "hill": 0.3}
_FAR_WILD = {"hill": 3, "mountain": 2, "tree": 1.5, "conifer": 1.5, "house": 0.5, "bush": 1}
_BIG = {
    "rocket": 2,
    "pavilion": 3,
    "house": 1.5,
    "tree": 1,
    "building": 1,
    "conifer": 0.3,
    "motorcycle": 1,
    "car": 1,
    "rock": 0.3,
}

MIXES = {
    "background": [
        _FAR_CITY,
        _FAR_CITY,
        _FAR_CITY,
        _FAR_CITY,
        _FAR_WILD,
        {**_FAR_WILD, **_FAR_CITY},
    ],
    "standing": [
        _HOUSEHOLD,
        _HOUSEHOLD,
        {**_HOUSEHOLD, "person": 4},
        _CITY,
        _WILD,
        {**_CITY, **_WILD},
    ],
    "leaning": [
        {
            "shelf": 2,
            "rack": 1.5,
            "partition": 0.4,
            "cabinet": 2,
            "drawers": 2,
            "sofa": 1.5,
            "desk": 1.5,
            "workplace": 1.5,
            "bed": 0.8,
            "closed_door": 1.5,
            "curtain": 2,
            "pipes": 0.4,
            "potted_plant": 0.7,
            "crate": 0.7,
            "table": 1,
            "chair": 1,
        }
    ]
    * 6,
    "hanging": [{"picture": 3, "wall_shelf": 2, "pane": 0.7, "whiteboard": 0.9}] * 6,
    "clutter": [_SMALL] * 6,
    "portrait": [
        {
            "bust": 3,
            "person": 0.6,
            "animal": 1,
            "potted_plant": 0.5,
            "motorcycle": 0.8,
            "bicycle": 0.4,
            "chair": 0.6,
            "vase": 0.4,
            "sitting": 1,
        }
    ]
    * 6,
    "big": [_BIG] * 6,
}

"""Role -> for each kind of scene (see `training.render.layout`), class -> share."""
