"""examples/quickstart.ipynb with the outputs of its cells."""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "examples" / "quickstart.ipynb"
CELL_TIMEOUT_S = 300


def executed() -> nbformat.NotebookNode:
    """The notebook, run anew where it lies.

    Raises:
        CellExecutionError: A cell raised.
    """
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT_S,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(NOTEBOOK.parent)}},
    )
    ran: nbformat.NotebookNode = client.execute()
    for cell in ran.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop("image/jpeg", None)  # Pillow shows itself as PNG, too
    ran.metadata = {"kernelspec": {"display_name": "Python 3", "name": "python3"}}
    return ran
