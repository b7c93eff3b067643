"""Pairs that are hard to see as such, and photos that are no pair.

``data`` has pairs of ``training.stereo.rendered.rendered_pairs(48)``, numbers 1, 16, 20 and 47, as
JPEG: one photo far too bright, or a wall without texture.
"""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.support import photos
from tests.support import stereo_scenes as scenes
from vizion3d.errors import InvalidImageError
from vizion3d.stereo import StereoDepthAdvancedConfig
from vizion3d.stereo.pair import Pair, prepare

Photo = NDArray[np.uint8]
DATA = Path(__file__).parent / "data"
CONFIG = StereoDepthAdvancedConfig(focal_length=400, baseline=100)
DOUBT = "features only"
HARD = ["overexposed_left", "clipped_table", "overexposed_right", "dim_wall"]


def rendered(name: str) -> tuple[Photo, Photo]:
    left, right = (
        np.asarray(Image.open(DATA / f"{name}_{side}.jpg")) for side in ("left", "right")
    )
    return left, right


def stripes(period_px: int) -> tuple[Photo, Photo]:
    """A wall of vertical stripes, 12 px apart in the two photos, with noise."""
    columns = np.arange(600) // (period_px // 2) % 2 * 120.0 + 60
    wall = cv2.GaussianBlur(np.tile(columns[None, :, None], (240, 1, 3)), (0, 0), 1)
    random = np.random.default_rng(0)
    left, right = (
        np.clip(wall[:, x : x + 400] + random.normal(0, 4, (240, 400, 3)), 0, 255).astype(np.uint8)
        for x in (40, 52)
    )
    return left, right


def is_doubted(pair: Pair) -> bool:
    return any(DOUBT in note for note in pair.notes)


@pytest.mark.parametrize("name", HARD)
def test_a_true_pair_that_is_hard_to_see_is_matched_and_told(name: str) -> None:
    left, right = rendered(name)
    assert is_doubted(prepare(left, right, CONFIG))
    assert is_doubted(prepare(right, left, CONFIG))


@pytest.mark.parametrize("period_px", [8, 16, 40])
def test_repeating_stripes_are_matched_and_told(period_px: int) -> None:
    left, right = stripes(period_px)
    assert is_doubted(prepare(left, right, CONFIG))
    assert is_doubted(prepare(right, left, CONFIG))


def test_a_plain_pair_is_not_doubted() -> None:
    scene = scenes.motorcycle()
    assert prepare(scene.left, scene.right, scene.config).notes == ()


def test_few_partners_say_nothing_of_the_rows() -> None:
    notes = prepare(*rendered("overexposed_left"), CONFIG).notes
    assert not any("rows" in note for note in notes)


@pytest.mark.parametrize("exchanged", [False, True])
def test_photos_of_different_scenes_are_refused(exchanged: bool) -> None:
    left, right = (
        np.asarray(cv2.resize(photo, (400, 300)), np.uint8)
        for photo in (photos.coffee(), photos.astronaut())
    )
    if exchanged:
        left, right = right, left
    with pytest.raises(InvalidImageError, match=r"no common scene: of \d+ features only \d+"):
        prepare(left, right, CONFIG)


@pytest.mark.parametrize("side", ["left", "right"])
def test_one_mirrored_photo_is_refused(side: str) -> None:
    scene = scenes.motorcycle()
    left, right = scene.left, scene.right
    if side == "left":
        left = np.ascontiguousarray(left[:, ::-1])
    else:
        right = np.ascontiguousarray(right[:, ::-1])
    with pytest.raises(InvalidImageError, match="mirrored"):
        prepare(left, right, scene.config)


def test_exchanged_photos_are_refused() -> None:
    scene = scenes.motorcycle()
    with pytest.raises(InvalidImageError, match="left and right are swapped"):
        prepare(scene.right, scene.left, scene.config)


@pytest.mark.parametrize("quality", [60, 90])
def test_the_same_photo_saved_again_is_refused(quality: int) -> None:
    left = scenes.motorcycle().left
    buffer = io.BytesIO()
    Image.fromarray(left).save(buffer, "JPEG", quality=quality)
    again = np.asarray(Image.open(buffer))
    with pytest.raises(InvalidImageError, match="the same photo twice"):
        prepare(left, again, CONFIG)
