"""API keys."""

import hmac
from collections.abc import Iterable
from pathlib import Path

from vizion3d.errors import InvalidConfigError


class ApiKeys:
    """The keys that open a server; with none it is open."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._keys = tuple(key.encode() for key in keys)

    @property
    def required(self) -> bool:
        """Whether there are any keys."""
        return bool(self._keys)

    def accepts(self, given: str | None) -> bool:
        """Compared with every key in constant time, so that a reply's delay tells nothing."""
        if not self.required:
            return True
        candidate = (given or "").encode("utf-8", "surrogateescape")
        matches = [hmac.compare_digest(candidate, key) for key in self._keys]
        return any(matches)


def read_keys(path: Path | None) -> ApiKeys:
    """The keys in a file, one a line; blank lines and ``#`` comments do not count.

    Raises:
        InvalidConfigError: The file cannot be read or has no key in it: the server would be open.
    """
    if path is None:
        return ApiKeys(())
    try:
        lines = [line.strip() for line in path.read_text("utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InvalidConfigError(f"the API key file {path} cannot be read: {reason}") from error
    keys = [line for line in lines if line and not line.startswith("#")]
    if not keys:
        raise InvalidConfigError(f"the API key file {path} has no key in it; write one a line")
    for number, line in enumerate(lines, 1):
        if not (line.startswith("#") or (line.isascii() and line.isprintable())):
            raise InvalidConfigError(
                f"line {number} of the API key file {path} cannot be sent in a header; a key is of "
                "printable ASCII characters"
            )
    return ApiKeys(keys)
