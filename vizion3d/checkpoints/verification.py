"""Whether a downloaded file is the complete weights that were expected."""

import hashlib
import json
import zipfile
from pathlib import Path

_ZIP, _PICKLE = b"PK\x03\x04", b"\x80\x02"
"""How a torch file begins: a zip archive, or the older bare pickle."""


def fault_of(path: Path, sha256: str | None = None, size_bytes: int | None = None) -> str | None:
    """What is wrong with a downloaded file, as the end of a sentence; ``None``: nothing.

    Args:
        path: The file.
        sha256: Expected digest in hexadecimal, if known.
        size_bytes: Expected length, if known.
    """
    came_bytes = path.stat().st_size
    if size_bytes is not None and came_bytes != size_bytes:
        return wrong_length(came_bytes, size_bytes)
    fault = _structure_fault(path)
    if fault is None and sha256:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != sha256:
            return (
                f"has the SHA-256 {digest}, expected {sha256}: "
                "the file is not the released one, or was damaged during the transfer"
            )
    return fault


def wrong_length(given_bytes: int, expected_bytes: int) -> str:
    """The fault of a file that is longer or shorter than expected."""
    return f"has {given_bytes} bytes, expected {expected_bytes}: the file is not the released one"


def _structure_fault(path: Path) -> str | None:
    """Why the file cannot be complete weights, by its first and last bytes; ``None`` if it can.

    A server may send no length, so a transfer that was cut off can look complete. A zip archive
    ends in its directory, and a safetensors file has the length that its header states.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(9)
        if head.startswith(_ZIP):
            return None if zipfile.is_zipfile(path) else f"was cut: {size} bytes without an end"
        if head.startswith(_PICKLE):
            return None  # the older format has no length; loading detects a cut
        if head[8:] != b"{":
            return f"does not serve weights (torch or safetensors): it begins with {head!r}"
        header_bytes = int.from_bytes(head[:8], "little")
        file.seek(8)
        try:
            header = json.loads(file.read(min(header_bytes, size)))
            ends = [entry["data_offsets"][1] for n, entry in header.items() if n != "__metadata__"]
            expected = 8 + header_bytes + max(ends)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError):
            return "does not serve weights: its safetensors header cannot be read"
    return None if size == expected else f"was cut: {size} of {expected} bytes came"
