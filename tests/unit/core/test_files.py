from pathlib import Path
from typing import cast

import pytest

from vizion3d.core.files import write_atomic


def test_folders_are_made_and_nothing_is_left_beside(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.png"
    write_atomic(path, b"one")
    write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert [p.name for p in path.parent.iterdir()] == ["b.png"]


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "b.png"
    path.write_bytes(b"old")
    with pytest.raises(TypeError):
        write_atomic(path, cast(bytes, None))
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["b.png"]
