"""Errors of the system, as sentences."""


def in_words(error: Exception) -> str:
    """``"out/a.png: No space left on device"`` in place of ``"[Errno 28] ..."``."""
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}"
    return str(error)
