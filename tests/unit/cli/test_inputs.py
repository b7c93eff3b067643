import io
import sys
from pathlib import Path

import pytest

from tests.support.fakes import touch
from vizion3d.cli import inputs
from vizion3d.cli.inputs import find_jobs
from vizion3d.errors import InvalidImageError


def stems(paths: list[str], folder: Path) -> dict[str, str]:
    jobs = find_jobs(paths, Path("out"))
    return {str(job.image.relative_to(folder)): str(job.stem) for job in jobs}


def test_a_file(tmp_path: Path) -> None:
    photo = touch(tmp_path / "photo.jpg")
    assert stems([str(photo)], tmp_path) == {"photo.jpg": "out/photo"}


def test_a_folder_keeps_the_places_below_it_and_leaves_out_what_is_no_image(tmp_path: Path) -> None:
    for name in ("b.png", "a.JPG", "sub/c.webp", "notes.txt", ".hidden/d.png", ".e.png"):
        touch(tmp_path / name)
    assert stems([str(tmp_path)], tmp_path) == {
        "a.JPG": "out/a",
        "b.png": "out/b",
        "sub/c.webp": "out/sub/c",
    }


def test_results_are_no_photos(tmp_path: Path) -> None:
    for name in ("a.png", "out/b.png", "out/deep/c.png"):
        touch(tmp_path / name)
    for text in (str(tmp_path), f"{tmp_path}/**/*.png"):
        jobs = find_jobs([text], tmp_path / "out")
        assert [job.image.name for job in jobs] == ["a.png"]


def test_a_hidden_folder_that_is_named_is_searched(tmp_path: Path) -> None:
    photo = touch(tmp_path / ".hidden" / "a.png")
    assert [job.image for job in find_jobs([str(photo.parent)], Path("out"))] == [photo]


def test_what_pillow_only_writes_or_hands_to_others_is_no_photo(tmp_path: Path) -> None:
    for name in ("a.pdf", "b.mpg", "c.h5", "d.jpeg", "e.tif"):
        touch(tmp_path / name)
    assert sorted(stems([str(tmp_path)], tmp_path)) == ["d.jpeg", "e.tif"]


def test_what_is_no_path_is_told() -> None:
    with pytest.raises(InvalidImageError, match="is no path"):
        find_jobs(["x" * 5000], Path("out"))


def test_a_glob(tmp_path: Path) -> None:
    for name in ("a1.png", "a2.png", "b.png", "deep/a3.png"):
        touch(tmp_path / name)
    assert stems([f"{tmp_path}/a*.png"], tmp_path) == {"a1.png": "out/a1", "a2.png": "out/a2"}
    assert len(stems([f"{tmp_path}/**/a*.png"], tmp_path)) == 3


def test_a_file_whose_name_looks_like_a_glob_is_that_file(tmp_path: Path) -> None:
    photo = touch(tmp_path / "a[1].png")
    assert stems([str(photo)], tmp_path) == {"a[1].png": "out/a[1]"}


def test_no_two_images_share_a_result(tmp_path: Path) -> None:
    names = ("x/a.jpg", "x/a.png", "y/a.png", "a_png.tif")
    found = stems([str(touch(tmp_path / name)) for name in names], tmp_path)
    assert found == {
        "x/a.jpg": "out/a_jpg",
        "x/a.png": "out/a_png",
        "y/a.png": "out/a_png-2",
        "a_png.tif": "out/a_png-3",
    }


def test_an_image_named_twice_is_done_once(tmp_path: Path) -> None:
    photo = touch(tmp_path / "a.png")
    assert len(find_jobs([str(photo), str(tmp_path), str(photo)], Path("out"))) == 1


def test_a_missing_file_is_a_job_that_will_fail(tmp_path: Path) -> None:
    (job,) = find_jobs([str(tmp_path / "none.png")], Path("out"))
    assert job.image == tmp_path / "none.png"


def test_a_folder_or_glob_without_images_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidImageError, match="no images in the folder"):
        find_jobs([str(tmp_path)], Path("out"))
    with pytest.raises(InvalidImageError, match="no file matches"):
        find_jobs([f"{tmp_path}/*.png"], Path("out"))


class GivenStdin:
    """Standard input that holds what a test says."""

    def __init__(self, content: bytes) -> None:
        self.buffer = io.BytesIO(content)


def test_standard_input_is_a_file_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", GivenStdin(b"a photo"))
    with inputs.standard_input(["a.png", "-"]) as paths:
        assert paths[0] == "a.png"
        assert Path(paths[1]).read_bytes() == b"a photo"
        assert Path(paths[1]).stem == "stdin"
    assert not Path(paths[1]).exists()
    with inputs.standard_input(["a.png"]) as paths:
        assert paths == ["a.png"]


@pytest.mark.parametrize(("paths", "told"), [(["-"], "nothing came"), (["-", "-"], "once")])
def test_nothing_on_standard_input_is_told(
    monkeypatch: pytest.MonkeyPatch, paths: list[str], told: str
) -> None:
    monkeypatch.setattr(sys, "stdin", GivenStdin(b""))
    with pytest.raises(InvalidImageError, match=told), inputs.standard_input(paths):
        raise AssertionError
