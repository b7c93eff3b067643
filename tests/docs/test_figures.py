"""The pictures of the docs are those that ``make figures`` draws, and each is shown."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tools.figures.__main__ import FIGURES, FOLDER, as_picture

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
LARGEST_DIFFERENCE = 1.0
"""Mean, of 255: what another release of the fonts may change."""
PAGES = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]


def test_the_pictures_are_those_that_are_drawn() -> None:
    assert {path.stem for path in FOLDER.glob("*.png")} == set(FIGURES)


@pytest.mark.parametrize("name", FIGURES)
def test_a_picture_is_drawn_as_it_was(name: str) -> None:
    drawn = as_picture(FIGURES[name]())
    with Image.open(FOLDER / f"{name}.png") as kept:
        before = np.asarray(kept.convert("RGB"), np.float64)
    now = np.asarray(drawn.convert("RGB"), np.float64)
    assert now.shape == before.shape
    assert np.abs(now - before).mean() < LARGEST_DIFFERENCE


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.name)
def test_a_picture_is_shown(path: Path) -> None:
    assert any(f"images/{path.name})" in page.read_text() for page in PAGES)
