from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image

from vizion3d.errors import InvalidImageError
from vizion3d.stereo.cli.pairs import PairJob, find_pairs

OUT = Path("results")


def photo(path: Path, width: int = 8) -> Path:
    path.parent.mkdir(exist_ok=True)
    pixels = np.arange(6 * width * 3, dtype=np.uint8).reshape(6, width, 3)
    Image.fromarray(pixels).save(path)
    return path


def test_two_photos_are_one_pair(tmp_path: Path) -> None:
    left, right = photo(tmp_path / "left.png"), photo(tmp_path / "right.png")
    (job,) = find_pairs([str(left), str(right)], None, None, OUT)
    assert job == PairJob(left, OUT / "left", right)
    assert job.load(1000) == (left, right)


def test_folders_are_pairs_in_the_order_of_their_names(tmp_path: Path) -> None:
    lefts = [photo(tmp_path / "left" / name) for name in ("a.png", "b.png")]
    rights = [photo(tmp_path / "right" / name) for name in ("a.png", "b.png")]
    jobs = find_pairs([], (str(tmp_path / "left"), str(tmp_path / "right")), None, OUT)
    assert [(job.image, job.right) for job in jobs] == list(zip(lefts, rights, strict=True))


def test_a_photo_of_both_views_is_cut_in_two(tmp_path: Path) -> None:
    both = photo(tmp_path / "both.png", 16)
    (job,) = find_pairs([], None, str(both), OUT)
    left, right = job.load(6 * 8)
    whole = np.asarray(Image.open(both))
    assert np.array_equal(np.asarray(left), whole[:, :8])
    assert np.array_equal(np.asarray(right), whole[:, 8:])


@pytest.mark.parametrize(
    ("photos", "pairs", "side_by_side", "told"),
    [
        ([], None, None, "give LEFT and RIGHT, or"),
        (["a", "b"], ("c", "d"), None, "give LEFT and RIGHT, or"),
        (["a"], None, None, "two photos are needed, LEFT and RIGHT; got 1"),
    ],
)
def test_pairs_are_named_in_one_way(
    photos: list[str], pairs: tuple[str, str] | None, side_by_side: str | None, told: str
) -> None:
    with pytest.raises(typer.BadParameter, match=told):
        list(find_pairs(photos, pairs, side_by_side, OUT))


def test_a_photo_without_its_other_is_told(tmp_path: Path) -> None:
    left = photo(tmp_path / "left" / "a.png")
    missing = tmp_path / "gone.png"
    with pytest.raises(InvalidImageError, match=r"there is no file .*gone\.png"):
        list(find_pairs([str(left), str(missing)], None, None, OUT))
    photo(tmp_path / "right" / "a.png")
    photo(tmp_path / "right" / "b.png")
    with pytest.raises(InvalidImageError, match=r"left holds 1 photos and .*right 2"):
        list(find_pairs([], (str(tmp_path / "left"), str(tmp_path / "right")), None, OUT))
