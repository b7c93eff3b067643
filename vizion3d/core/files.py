"""Writing a file so that it appears under its name only when it is complete."""

import os
from pathlib import Path

_unfinished: set[Path] = set()
"""Files beside their targets, not yet renamed."""


def write_atomic(path: Path, content: bytes) -> None:
    """Write beside the target and rename; folders above it are made.

    Raises:
        OSError: The file cannot be written; what was there before is untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    _unfinished.add(beside)
    try:
        beside.write_bytes(content)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
        _unfinished.discard(beside)


def remove_unfinished() -> None:
    """Remove the files that other threads are still writing, before the process is ended."""
    for beside in tuple(_unfinished):
        beside.unlink(missing_ok=True)
