from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.fakes import GivenLifted
from vizion3d.errors import InvalidConfigError
from vizion3d.outputs.formats import FORMATS
from vizion3d.outputs.showing import as_html, save


@pytest.mark.parametrize("row", FORMATS, ids=lambda row: row.name)
def test_the_ending_names_the_format(tmp_path: Path, row: object) -> None:
    path = tmp_path / f"photo{row.ending}"  # type: ignore[attr-defined]  # a row of the table
    assert save(GivenLifted(), str(path)) == path
    assert path.read_bytes() == row.encode(GivenLifted())  # type: ignore[attr-defined]  # likewise


def test_png_alone_is_the_16_bit_depth_image(tmp_path: Path) -> None:
    with Image.open(save(GivenLifted(), tmp_path / "OUT.PNG")) as picture:
        assert np.array_equal(np.asarray(picture), GivenLifted.gray)


def test_another_ending_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfigError, match=r"ending of out\.stl; use one of \.png, .*\.ply"):
        save(GivenLifted(), tmp_path / "out.stl")
    assert list(tmp_path.iterdir()) == []


def test_a_notebook_gets_pictures_and_plain_text() -> None:
    shown = as_html({"photo": GivenLifted.rgb}, {"model": "<b>&"})
    assert shown.count("data:image/jpeg;base64,") == 1
    assert "&lt;b&gt;&amp;" in shown
    assert "<b>" not in shown
