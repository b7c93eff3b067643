from pathlib import Path

import pytest

from vizion3d.errors import InvalidConfigError
from vizion3d.server.keys import ApiKeys, read_keys


def test_without_keys_everybody_is_let_in() -> None:
    assert not read_keys(None).required
    assert read_keys(None).accepts(None)


def test_every_key_of_the_file_opens_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("# of the lab\nfirst\n\n  second  \n")
    keys = read_keys(path)
    assert [keys.accepts(k) for k in ("first", "second")] == [True, True]
    wrong = (None, "", "fir", "first ", "FIRST", "# of the lab", "\udcff", "é")
    assert not any(keys.accepts(k) for k in wrong)


@pytest.mark.parametrize("content", [None, "", "# nothing but comments\n", b"\xff\xfe"])
def test_a_file_that_would_leave_the_server_open_is_refused(
    tmp_path: Path, content: str | bytes | None
) -> None:
    path = tmp_path / "keys"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InvalidConfigError, match="API key file"):
        read_keys(path)


def test_no_keys_are_no_keys() -> None:
    assert ApiKeys([]).accepts("anything")
