from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vizion3d.errors import InvalidConfigError, InvalidImageError
from vizion3d.lifting.cli.known import KnownOptions

NOTHING: dict[str, Any] = {
    "points": [],
    "distances": [],
    "planes": [],
    "sparse": None,
    "camera_height_m": None,
    "camera_pitch_deg": None,
    "depth_scale": 1000.0,
}


def options(**changes: Any) -> KnownOptions:
    return KnownOptions(**{**NOTHING, **changes})


def test_nothing_is_known_without_options() -> None:
    options().check()
    assert options().knowledge_for(Path("photo.jpg"), 100) is None


def test_every_option_is_knowledge(tmp_path: Path) -> None:
    Image.fromarray(np.full((3, 4), 1500, np.uint16)).save(tmp_path / "photo.png")
    given = options(
        points=["1,2,0.5", "3, 1, 2"],
        distances=["0,0,3,2,0.25"],
        planes=["0,0,3,2,1.5"],
        sparse=tmp_path,
        camera_height_m=1.4,
        camera_pitch_deg=-5.0,
    )
    given.check()
    known = given.knowledge_for(Path("somewhere/photo.jpg"), 100)
    assert known is not None
    assert np.asarray(known.points).tolist() == [[1, 2, 0.5, 1], [3, 1, 2, 1]]
    assert np.asarray(known.distances).tolist() == [[0, 0, 3, 2, 0.25, 1]]
    assert np.asarray(known.planes).tolist() == [[0, 0, 3, 2, 1.5, 1]]
    assert (known.camera_height_m, known.camera_pitch_deg) == (1.4, -5)
    assert np.asarray(known.sparse_depth_m).tolist() == [[1.5] * 4] * 3
    with pytest.raises(InvalidImageError, match=r"no depth image for other.jpg: other"):
        given.knowledge_for(Path("other.jpg"), 100)


def test_a_depth_image_is_for_every_photo(tmp_path: Path) -> None:
    path = tmp_path / "depth.npy"
    np.save(path, np.full((3, 4), 2.5))
    known = options(sparse=path).knowledge_for(Path("any.jpg"), 100)
    assert known is not None
    assert np.asarray(known.sparse_depth_m).max() == 2.5


@pytest.mark.parametrize(
    "changes",
    [
        {"points": ["1,2"]},
        {"points": ["1,2,-3"]},
        {"distances": ["1,2,3"]},
        {"planes": ["a,b,c,d,e"]},
        {"camera_height_m": -1.0},
        {"camera_pitch_deg": 1.0},
    ],
)
def test_what_makes_no_sense_is_refused_before_any_photo_is_read(changes: Any) -> None:
    with pytest.raises(InvalidConfigError):
        options(**changes).check()


def test_a_depth_image_that_is_not_there() -> None:
    with pytest.raises(InvalidImageError, match="no file or folder"):
        options(sparse=Path("nowhere.png")).check()
