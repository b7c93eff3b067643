"""examples/quickstart.ipynb runs from top to bottom, and what it shows is what is checked in."""

import nbformat
import pytest

from tools.figures.notebook import NOTEBOOK, executed

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def ran(uncounted: None) -> nbformat.NotebookNode:
    return executed()


def shown(notebook: nbformat.NotebookNode) -> list[tuple[str, list[str]]]:
    """Source and kinds of output of each code cell."""
    return [
        (
            cell.source,
            sorted(kind for output in cell.outputs for kind in output.get("data", ["text"])),
        )
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def test_every_cell_shows_something(ran: nbformat.NotebookNode) -> None:
    assert all(kinds for _, kinds in shown(ran))
    assert sum("image/png" in kinds for _, kinds in shown(ran)) == 3


def test_the_outputs_are_checked_in(ran: nbformat.NotebookNode) -> None:
    kept = nbformat.read(NOTEBOOK, as_version=4)
    assert shown(kept) == shown(ran)
    nbformat.validate(kept)
