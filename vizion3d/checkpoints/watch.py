"""One download, seen from outside."""

import threading

from vizion3d.errors import DownloadError


class CalledOffError(DownloadError):
    """Somebody called the download off."""


class Watch:
    """One download, seen from outside: it reports here, and asks here whether to go on.

    Args:
        total_bytes: Length of the file, if known beforehand.
    """

    def __init__(self, total_bytes: int | None = None) -> None:
        self.done_bytes = 0
        self.total_bytes = total_bytes
        self._called_off = threading.Event()

    def call_off(self) -> None:
        """Have the download end; who waits for the network need not wait any longer."""
        self._called_off.set()

    def pause(self, seconds: float) -> None:
        """Wait that long, or until the download is called off."""
        self._called_off.wait(seconds)

    def report(self, done_bytes: int, total_bytes: int | None) -> None:
        """So many bytes are here.

        Raises:
            CalledOffError: The download was called off.
        """
        self.done_bytes = done_bytes
        self.total_bytes = total_bytes or self.total_bytes
        self.check()

    def check(self) -> None:
        """Go no further with what nobody wants.

        Raises:
            CalledOffError: The download was called off.
        """
        if self._called_off.is_set():
            raise CalledOffError("the download was called off; what has come is kept for next time")
