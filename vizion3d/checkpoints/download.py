"""Downloading a file so that it appears under its name only when it is complete and verified.

The bytes go into ``<name>.part`` beside the target and are renamed when they are complete and
verified. A transfer that was cut goes on where it stopped (HTTP Range with If-Range, RFC 9110
sections 13.1.5 and 14.2), also in a later process. One process downloads; others wait for it.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import requests
from filelock import FileLock, Timeout

from vizion3d.checkpoints.interruptible import interruptible
from vizion3d.checkpoints.network_faults import explain, is_unreachable
from vizion3d.checkpoints.partial import Partial
from vizion3d.checkpoints.urls import curl_line, require_secure
from vizion3d.checkpoints.verification import fault_of, wrong_length
from vizion3d.checkpoints.watch import Watch
from vizion3d.errors import CheckpointError, DownloadError

logger = logging.getLogger(__name__)

_CHUNK_BYTES = 1 << 16
"""Bytes written at a time; what is lost at most when a transfer is cut off."""
_TRANSIENT_STATUS = {408, 425, 429, 500, 502, 503, 504}
_UNREACHABLE_ATTEMPTS = 2
"""How often a server is tried that no connection reaches: a network seldom comes back meanwhile."""
_UNREACHABLE_PATIENCE_S = 1.0
"""A first attempt that took longer than this is the only one."""
_UNREACHABLE_PAUSE_S = 0.25
_LOCK_ASKED_EVERY_S = 0.5


class _TransientError(Exception):
    """The attempt failed, but another one may succeed."""


_TRANSIENT_ERRORS = (
    _TransientError,
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
)


class Progress(Protocol):
    """Is called with the progress of a transfer."""

    def __call__(self, done_bytes: int, total_bytes: int | None) -> None:
        """So many bytes are here; ``total_bytes`` is ``None`` where the server sends no length."""


@contextmanager
def terminal_progress(label: str) -> Iterator[Progress]:
    """A progress bar on standard error; silent when that is not a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars

    console = Console(stderr=True)
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Bars(
        "{task.description}", *columns, console=console, disable=not console.is_terminal
    ) as bars:
        task = bars.add_task(label, total=None)

        def report(done_bytes: int, total_bytes: int | None) -> None:
            bars.update(task, completed=done_bytes, total=total_bytes)

        yield report


class _SecureSession(requests.Session):
    """A session that checks the target of every redirect before following it."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        target = super().get_redirect_target(resp)
        if target is not None:
            try:
                require_secure(requests.compat.urljoin(resp.url, target))
            except BaseException:
                resp.close()  # nobody else has it
                raise
        return target


class Downloader:
    """Downloads files over HTTP.

    Args:
        attempts: How often one file is tried before it is given up.
        backoff_s: Pause before the second attempt; it doubles with each further one.
        timeout_s: How long the server may stay silent.
        sleep: What pauses; ``None``: a wait that ends when the download is called off.
        connect_timeout_s: How long making a connection may take.
        clock: Seconds, for how long a server that is not reached is tried.
    """

    def __init__(
        self,
        attempts: int = 5,
        backoff_s: float = 1.0,
        timeout_s: float = 30.0,
        sleep: Callable[[float], None] | None = None,
        connect_timeout_s: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._attempts = attempts
        self._backoff_s = backoff_s
        self._timeouts_s = connect_timeout_s, timeout_s
        self._sleep = sleep
        self._clock = clock

    def fetch(
        self,
        url: str,
        target: Path,
        sha256: str | None = None,
        size_bytes: int | None = None,
        watch: Watch | None = None,
    ) -> None:
        """Make ``target`` hold what ``url`` serves; at once if it exists.

        Args:
            url: An https address (http on loopback).
            target: Where the file goes; folders above it are made.
            sha256: Expected digest in hexadecimal, if known.
            size_bytes: Expected length, if known.
            watch: Is told how far it is, and may call it off.

        Raises:
            DownloadError: Network, HTTP status, wrong length or digest, or not a weights file; or
                it was called off.
            CheckpointError: The folder cannot be written.
        """
        require_secure(url)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with _locked(target, watch or Watch()):
                if target.exists():
                    return
                self._fetch_locked(url, target, sha256, size_bytes, watch or Watch())
        except requests.RequestException as error:
            raise DownloadError(f"cannot download {url}: {error}") from error
        except OSError as error:
            raise CheckpointError(
                f"cannot write the model cache {target.parent}: {error.strerror or error}. "
                "Set VIZION3D_MODEL_CACHE to a folder that can be written."
            ) from error

    def _fetch_locked(
        self, url: str, target: Path, sha256: str | None, size_bytes: int | None, watch: Watch
    ) -> None:
        partial = Partial(target.with_name(target.name + ".part"))
        with terminal_progress(target.name) as show, _SecureSession() as session:

            def progress(done_bytes: int, total_bytes: int | None) -> None:
                show(done_bytes, total_bytes)
                watch.report(done_bytes, total_bytes)

            self._try(
                lambda: self._attempt(session, url, partial, progress, size_bytes, watch),
                url,
                target,
                watch,
            )
        fault = fault_of(partial.data, sha256, size_bytes)
        if fault:
            partial.discard()
            raise DownloadError(f"{url} {fault}", "damaged")
        partial.data.replace(target)
        partial.note.unlink(missing_ok=True)

    def _try(self, attempt: Callable[[], None], url: str, target: Path, watch: Watch) -> None:
        host, begin_s, number = urlsplit(url).netloc, self._clock(), 0
        while True:
            number += 1
            try:
                return attempt()
            except _TRANSIENT_ERRORS as error:
                cause = error
            told, reason = explain(cause, host)
            pause_s = self._backoff_s * 2 ** (number - 1)
            last = number >= self._attempts or reason == "certificate"
            if is_unreachable(reason):
                pause_s = min(pause_s, _UNREACHABLE_PAUSE_S)
                last |= number >= _UNREACHABLE_ATTEMPTS
                last |= self._clock() - begin_s > _UNREACHABLE_PATIENCE_S
            if last:
                tries = f" (after {number} attempts)" if number > 1 else ""
                raise DownloadError(
                    f"cannot download {url}: {told}{tries}.\n"
                    "Behind a proxy, set HTTPS_PROXY=http://HOST:PORT. To download it by hand:\n"
                    f"  {curl_line(url, target)}",
                    reason,
                ) from cause
            logger.info("attempt %d failed: %s; trying again in %g s", number, told, pause_s)
            (self._sleep or watch.pause)(pause_s)
            watch.check()

    def _attempt(
        self,
        session: requests.Session,
        url: str,
        partial: Partial,
        progress: Progress,
        size_bytes: int | None,
        watch: Watch,
    ) -> None:
        have, validator = partial.resumable(url)
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers |= {"Range": f"bytes={have}-", "If-Range": validator}

        def transfer() -> Iterator[requests.Response | bytes]:
            with session.get(
                url, headers=headers, stream=True, timeout=self._timeouts_s
            ) as response:
                yield response
                yield from response.iter_content(_CHUNK_BYTES)

        with closing(interruptible(transfer, watch)) as pieces:
            response = next(pieces)
            assert isinstance(response, requests.Response)
            if response.status_code == 416:
                if response.headers.get("Content-Range", "") == f"bytes */{have}":
                    return  # all of it had come: the last process ended just before the renaming
                partial.discard()
                raise _TransientError("the server refused to go on where the last transfer stopped")
            _check_answer(url, response)
            if response.status_code == 206:
                _check_resumed_at(have, response, partial)
            else:
                partial.begin(url, response)
                have = 0
            total = _total_bytes(response, have)
            if total is None:
                total = size_bytes
            elif size_bytes not in (None, total):  # before it is transferred
                partial.discard()
                raise DownloadError(f"{url} {wrong_length(total, size_bytes)}", "damaged")
            with partial.data.open("ab") as file:
                for chunk in pieces:
                    assert isinstance(chunk, bytes)
                    file.write(chunk)
                    have += len(chunk)
                    progress(have, total)
        if total is not None and have < total:
            raise _TransientError(f"the transfer ended after {have} of {total} bytes")


@contextmanager
def _locked(target: Path, watch: Watch) -> Iterator[None]:
    """Hold the file's lock, waiting for other processes as long as nobody calls it off."""
    lock = FileLock(target.with_name(f".{target.name}.lock"))
    while True:
        try:
            lock.acquire(timeout=_LOCK_ASKED_EVERY_S)
            break
        except Timeout:
            watch.check()
    try:
        yield
    finally:
        lock.release()


def _check_answer(url: str, response: requests.Response) -> None:
    status = response.status_code
    if status in _TRANSIENT_STATUS:
        raise _TransientError(f"HTTP status {status} {response.reason}")
    if status not in (200, 206):
        raise DownloadError(f"cannot download {url}: HTTP status {status} {response.reason}")
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip()
    if kind in ("text/html", "application/xhtml+xml"):
        raise DownloadError(
            f"{url} serves a web page ({kind}), not weights; use the address of the file itself"
        )


def _check_resumed_at(have: int, response: requests.Response, partial: Partial) -> None:
    given = response.headers.get("Content-Range", "")
    if not given.startswith(f"bytes {have}-"):
        partial.discard()
        raise _TransientError(f"asked to go on at byte {have}, the server sent {given!r}")


def _total_bytes(response: requests.Response, have: int) -> int | None:
    """Length of the whole file by what the server says of it; ``None`` if it does not."""
    whole = response.headers.get("Content-Range", "").rpartition("/")[2]
    if response.status_code == 206 and whole.isdigit():
        return int(whole)
    length = response.headers.get("Content-Length", "")
    return have + int(length) if length.isdigit() else None
