"""docs/errors.md tells the cause and the remedy of every error, and of no other."""

import re
from pathlib import Path

from vizion3d import errors
from vizion3d.wire.problems import STATUSES

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"


def test_every_error_has_its_section() -> None:
    sections = re.split(r"^## (\w+Error)$", PAGE.read_text(), flags=re.MULTILINE)[1:]
    told = dict(zip(sections[::2], sections[1::2], strict=True))
    assert sorted(told) == sorted(errors.__all__)
    assert all(len(text.split()) >= 8 for text in told.values())


def test_every_status_is_that_of_the_table() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d+).*\| (\w+) \|$", PAGE.read_text(), re.MULTILINE)
    told = {name: (int(http), code) for name, http, code in rows}
    statuses = {kind.__name__: (s.http, s.grpc) for kind, s in STATUSES.items()}
    del statuses["CancelledError"]  # nobody is there to be told
    assert told == statuses
