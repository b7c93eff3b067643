from pathlib import Path

import pytest

from vizion3d.outputs.formats import pick
from vizion3d.ray.files import Files
from vizion3d.ray.sinks import Into, Row, sink_of
from vizion3d.ray.sources import Chunk


@pytest.mark.parametrize("into", ["parquet", "webdataset"])
def test_a_chunk_of_which_nothing_is_left_leaves_nothing(tmp_path: Path, into: Into) -> None:
    """So is a table of a source, when its job is run again."""
    sink = sink_of(into, Files(str(tmp_path)), pick(["npy"]))
    with sink.open(Chunk("parquet", name="done")):
        pass
    assert list(tmp_path.iterdir()) == []
    with sink.open(Chunk("parquet", name="left")) as writer:
        writer.add(Row("a", "a", "not an image"))
    assert sink.done([]) == {"a": "not an image"}
