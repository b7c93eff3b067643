"""Downloads that are under way: how far each is, which failed, and calling one off."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vizion3d.checkpoints.catalogue import Release
from vizion3d.checkpoints.watch import CalledOffError, Watch
from vizion3d.checkpoints.words import announcement, without_download
from vizion3d.core.fork import renew_after_fork
from vizion3d.core.scope import current_scope
from vizion3d.errors import DownloadError

if TYPE_CHECKING:
    from vizion3d.checkpoints.download import Downloader

logger = logging.getLogger(__name__)

FAILURE_REMEMBERED_S = 60.0
"""How long an address that failed is not asked again."""

TransferState = Literal["absent", "downloading", "here", "failed"]


@dataclass(frozen=True)
class _Running:
    """A download under way: what watches it, and what is there when it ends."""

    watch: Watch
    done: "Future[None]"


@dataclass(frozen=True)
class Transfer:
    """How far the download of a model's file is.

    Attributes:
        state: ``"absent"``: not here, and nobody fetches it; ``"downloading"``; ``"here"``;
            ``"failed"``: the last try did, see ``error``.
        done_bytes: Bytes that are here.
        total_bytes: Length of the file; ``None`` where nobody has told it.
        error: Why the last try failed.
    """

    state: TransferState
    done_bytes: int = 0
    total_bytes: int | None = None
    error: DownloadError | None = None


class Transfers:
    """Runs downloads, one a file, each in a thread of its own that outlives who waits for it.

    Args:
        downloader: What downloads.
        clock: Seconds, for what is remembered.
    """

    def __init__(
        self,
        downloader: "Downloader | None" = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._downloader = downloader
        self._clock = clock
        self._failed: dict[Path, tuple[float, DownloadError]] = {}
        self.after_fork()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Begin without the downloads whose threads have stayed in the parent."""
        self._lock = threading.Lock()
        self._running: dict[Path, _Running] = {}

    def fetch(self, url: str, location: Path, release: Release | None) -> None:
        """Wait until the file is here; its download is begun if it is not under way.

        Raises:
            DownloadError: It could not be downloaded, now or within the last minute.
            DeadlineExceededError: The current scope's deadline passed; the download goes on.
            CancelledError: The current scope was cancelled.
        """
        scope = current_scope()
        scope.check()
        self._refuse_what_failed(location)
        scope.wait(self._start(url, location, release))

    def begin(self, url: str, location: Path, release: Release | None) -> None:
        """Begin the download if it is not under way, and do not wait; an earlier failure does not
        count."""
        self._forget_failure(location)
        self._start(url, location, release)

    def call_off(self, location: Path) -> None:
        """End the download of a file, if one is under way; what has come is kept."""
        self._forget_failure(location)
        with self._lock:
            running = self._running.pop(location, None)
        if running is not None:
            running.watch.call_off()

    def of(self, location: Path) -> Transfer:
        """How far the download of a file is."""
        with self._lock:
            running = self._running.get(location)
            _, error = self._failed.get(location, (0.0, None))
        if running is not None:
            return Transfer("downloading", running.watch.done_bytes, running.watch.total_bytes)
        if location.is_file():
            size_bytes = location.stat().st_size
            return Transfer("here", size_bytes, size_bytes)
        return Transfer("absent") if error is None else Transfer("failed", error=error)

    def _start(self, url: str, location: Path, release: Release | None) -> "Future[None]":
        with self._lock:
            running = self._running.get(location)
            if running is None and location.is_file():  # it has come since somebody looked
                here: Future[None] = Future()
                here.set_result(None)
                return here
            if running is None:
                running = _Running(Watch(release.about_bytes if release else None), Future())
                thread = threading.Thread(
                    target=self._run,
                    args=(running, url, location, release),
                    name="download",
                    daemon=True,
                )
                thread.start()  # fails where the system has no more threads: nothing runs then
                self._running[location] = running
            return running.done

    def _run(self, running: "_Running", url: str, location: Path, release: Release | None) -> None:
        try:
            self._download(url, location, release, running.watch)
        except BaseException as error:  # noqa: BLE001 (raised where it is waited for)
            self._end(running, location, error)
            running.done.set_exception(error)
        else:
            self._end(running, location, None)
            running.done.set_result(None)

    def _end(self, running: "_Running", location: Path, error: BaseException | None) -> None:
        with self._lock:
            if self._running.get(location) is running:  # not called off, and begun anew since
                del self._running[location]
            if isinstance(error, DownloadError) and not isinstance(error, CalledOffError):
                self._failed[location] = self._clock(), error

    def _download(self, url: str, location: Path, release: Release | None, watch: Watch) -> None:
        from vizion3d.checkpoints.download import Downloader  # imports requests

        size_bytes, sha256 = (release.size_bytes, release.sha256) if release else (None, None)
        logger.info("downloading %s", announcement(url, release))
        try:
            (self._downloader or Downloader()).fetch(url, location, sha256, size_bytes, watch)
        except CalledOffError:
            raise
        except DownloadError as error:
            told = f"{error}\n{without_download(release)}"
            raise DownloadError(told, error.reason) from error

    def _forget_failure(self, location: Path) -> None:
        with self._lock:
            self._failed.pop(location, None)

    def _refuse_what_failed(self, location: Path) -> None:
        with self._lock:
            since, error = self._failed.get(location, (0.0, None))
        if error is None:
            return
        ago_s = self._clock() - since
        if ago_s < FAILURE_REMEMBERED_S:
            raise DownloadError(
                f"{error}\n(That was {ago_s:.0f} s ago; it is tried again "
                f"{FAILURE_REMEMBERED_S:.0f} s after a failure.)",
                error.reason,
            ) from error
