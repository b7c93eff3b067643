import contextlib
import threading
from pathlib import Path
from typing import Any, cast

import pytest

from vizion3d.core.files import remove_unfinished, write_atomic


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


class StuckPath(type(Path())):  # type: ignore[misc]  # a concrete path of this system
    """A path that is written at once, and renamed when the test says so."""

    written, go_on = threading.Event(), threading.Event()

    def replace(self, target: Any) -> Any:
        self.written.set()
        assert self.go_on.wait(30)
        return super().replace(target)


def test_what_is_being_written_can_be_removed_before_the_process_ends(tmp_path: Path) -> None:
    def write() -> None:
        with contextlib.suppress(FileNotFoundError):  # the process would have ended by now
            write_atomic(StuckPath(tmp_path / "b.png"), b"half")

    thread = threading.Thread(target=write)
    thread.start()
    assert StuckPath.written.wait(30)
    assert [p.name.endswith(".part") for p in tmp_path.iterdir()] == [True]
    remove_unfinished()
    assert list(tmp_path.iterdir()) == []
    StuckPath.go_on.set()
    thread.join(30)
    assert list(tmp_path.iterdir()) == []
