"""A file that has not come whole yet, kept so that its transfer can go on."""

import json
from dataclasses import dataclass
from pathlib import Path

import requests


@dataclass(frozen=True)
class Partial:
    """The unfinished file, and a note of the URL and version that it is a part of."""

    data: Path

    @property
    def note(self) -> Path:
        """Where the note is: beside the data, with ``.json`` added to the name."""
        return self.data.with_name(self.data.name + ".json")

    def resumable(self, url: str) -> tuple[int, str]:
        """``(bytes at hand, validator)``; ``(0, "")`` where nothing can be resumed safely."""
        try:
            note = json.loads(self.note.read_text())
            if note["url"] == url and note["validator"]:
                return self.data.stat().st_size, note["validator"]
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return 0, ""

    def begin(self, url: str, response: requests.Response) -> None:
        """Empty the file and note what it will hold.

        In this order, so that a process killed in between leaves no note of one file beside the
        data of another: without a note nothing is resumed.
        """
        etag = response.headers.get("ETag", "")
        validator = response.headers.get("Last-Modified", "") if etag[:2] in ("", "W/") else etag
        self.note.unlink(missing_ok=True)
        self.data.write_bytes(b"")
        self.note.write_text(json.dumps({"url": url, "validator": validator}))

    def discard(self) -> None:
        """Remove both."""
        self.data.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)
