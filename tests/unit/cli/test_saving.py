from pathlib import Path

import pytest
import typer

from tests.support.fakes import GivenLifted
from vizion3d.cli.saving import files_of, names_of, parse_formats, write
from vizion3d.outputs.formats import FORMATS, Format, Lifted, pick


def test_names_are_read_once_each_in_their_order() -> None:
    assert parse_formats("ply, png,ply", FORMATS) == list(pick(["ply", "png"]))
    assert names_of(pick(["ply", "png"])) == "ply,png"


@pytest.mark.parametrize(
    ("text", "told"),
    [("png,stl", "stl; choose from png,"), ("", "nothing; choose"), (" , ", "nothing; choose")],
)
def test_what_is_not_offered_is_a_usage_error(text: str, told: str) -> None:
    with pytest.raises(typer.BadParameter, match=told):
        parse_formats(text, FORMATS)


def test_a_dot_in_a_photos_name_stays() -> None:
    files = files_of(Path("out/photo.v2"), pick(["png", "ply"]))
    assert files == [Path("out/photo.v2.depth.png"), Path("out/photo.v2.ply")]


def test_every_format_becomes_a_file(tmp_path: Path) -> None:
    formats = pick(["png", "npy", "json"])
    lifted = GivenLifted()
    write(lifted, tmp_path / "deep" / "photo", formats)
    for path, row in zip(files_of(tmp_path / "deep" / "photo", formats), formats, strict=True):
        assert path.read_bytes() == row.encode(lifted)


def test_a_format_that_fails_leaves_no_file(tmp_path: Path) -> None:
    def fail(_lifted: Lifted) -> bytes:
        raise MemoryError

    with pytest.raises(MemoryError):
        write(GivenLifted(), tmp_path / "photo", [Format("bad", ".bad", "fails", fail)])
    assert list(tmp_path.iterdir()) == []
