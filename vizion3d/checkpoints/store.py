"""Names, URLs and paths -> checkpoint files; what is known of each."""

import difflib
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vizion3d.checkpoints.catalogue import (
    BY_NAME,
    BY_URL,
    DEFAULT_DEPTH_MODEL_URL,
    RELEASES,
    Release,
)
from vizion3d.checkpoints.checkpoint import Checkpoint, ReadCheckpoint
from vizion3d.checkpoints.licences import LicencePolicy, notice_licence
from vizion3d.checkpoints.reading import CheckpointReader
from vizion3d.checkpoints.transfers import Transfer, Transfers
from vizion3d.checkpoints.urls import curl_line, file_name_of, require_secure
from vizion3d.checkpoints.words import without_download
from vizion3d.errors import CheckpointError, DownloadError
from vizion3d.networks.base import Family
from vizion3d.networks.registry import FAMILIES, refuse_by_name

if TYPE_CHECKING:
    from vizion3d.checkpoints.download import Downloader

__all__ = ["MAX_NAME_LENGTH", "SUFFIXES", "Checkpoint", "CheckpointStore"]

SUFFIXES = (".pth", ".pt", ".safetensors")

MAX_NAME_LENGTH = 200
"""Longest file name taken over from a URL: file systems end at 255 with our own endings."""


@dataclass(frozen=True)
class _Wanted:
    """A model's file; ``url`` is where to get it, if it is not here."""

    location: Path
    release: Release | None
    url: str | None = None


class CheckpointStore:
    """Finds checkpoints, downloading into ``cache`` what is not there yet.

    Args:
        cache: Folder of downloaded checkpoints.
        downloader: What downloads.
        offline: Refuse to download.
        families: The networks that files are recognised as.
        licences: Which licences of weights are accepted; every one if it is not given.
    """

    def __init__(
        self,
        cache: Path,
        downloader: "Downloader | None" = None,
        offline: bool = False,
        families: Sequence[Family] = FAMILIES,
        licences: LicencePolicy | None = None,
    ) -> None:
        self.cache = cache
        self._transfers = Transfers(downloader)
        self._offline = offline
        self._reader = CheckpointReader(families)
        self._licences = licences or LicencePolicy()

    def resolve(self, backend: str) -> Checkpoint:
        """The checkpoint that ``backend`` means, downloaded if need be.

        Args:
            backend: A name of the catalogue (``"small"``), an https URL, or a local path, ending in
                ``.pth``, ``.pt`` or ``.safetensors``.

        Raises:
            CheckpointError: Unknown name, missing file, or a file that holds no known network.
            DownloadError: It had to be downloaded and could not be.
        """
        return self.read(self.fetch(backend)).checkpoint

    def read(self, path: Path) -> ReadCheckpoint:
        """What a file says of itself, read anew only when it or the note beside it has changed.

        Raises:
            CheckpointError: It is missing, damaged, or holds no known network.
        """
        return self._reader.read(path, self._release_at(path))

    def _release_at(self, path: Path) -> Release | None:
        """The release whose place in the cache a path is."""
        return next((r for r in RELEASES if self._is_place_of(r, path)), None)

    def _is_place_of(self, release: Release, path: Path) -> bool:
        return release.file_name == path.name and self._place_of(str(release.source)) == path

    def fetch(self, backend: str) -> Path:
        """The file that ``backend`` means, downloaded if need be.

        Args:
            backend: A name of the catalogue (``"small"``), an https URL, or a local path, ending in
                ``.pth``, ``.pt`` or ``.safetensors``.

        Raises:
            CheckpointError: Unknown name, or missing file.
            LicenceError: The licence of its weights is not accepted.
            DownloadError: It had to be downloaded and could not be.
            DeadlineExceededError: The current scope's deadline passed meanwhile; the download goes
                on.
            CancelledError: The current scope was cancelled meanwhile.
        """
        wanted = self._wanted(backend)
        if wanted.url is not None:
            self._transfers.fetch(wanted.url, wanted.location, wanted.release)
        if wanted.release:
            notice_licence(wanted.release)
        return wanted.location

    def begin_download(self, backend: str) -> Transfer:
        """Fetch the file that ``backend`` means in the background, if it is not here.

        Raises:
            CheckpointError: Unknown name, missing file, or a licence that is not accepted.
            DownloadError: Downloads are not allowed (``VIZION3D_OFFLINE``).
        """
        wanted = self._wanted(backend)
        if wanted.url is not None:
            self._transfers.begin(wanted.url, wanted.location, wanted.release)
        return self._transfers.of(wanted.location)

    def transfer(self, backend: str) -> Transfer:
        """How far the download of the file that ``backend`` means is.

        Raises:
            CheckpointError: Unknown name.
        """
        return self._transfers.of(self.locate(backend))

    def call_off_download(self, backend: str) -> Transfer:
        """End that download, if it is under way; what has come is kept.

        Raises:
            CheckpointError: Unknown name.
        """
        location = self.locate(backend)
        self._transfers.call_off(location)
        return self._transfers.of(location)

    def _wanted(self, backend: str) -> "_Wanted":
        location = self.locate(backend)
        release = self.release_of(backend)
        self._licences.check(backend, location, release or self._release_at(location))
        if location.is_file():
            return _Wanted(location, release)
        url = str(release.source) if release else backend
        if not _is_url(url):
            raise _not_found(url)
        refuse_by_name(url)
        if self._offline:
            raise DownloadError(
                f"VIZION3D_OFFLINE is set and {location} is not there. On a machine with "
                f"network:\n  {curl_line(url, location)}\n{without_download(release)}",
                "offline",
            )
        return _Wanted(location, release, url)

    def locate(self, backend: str) -> Path:
        """Where the file is, or would be after a download; asks no network.

        Raises:
            CheckpointError: The URL or path does not end like a checkpoint's.
            DownloadError: A URL that is not https.
        """
        if not isinstance(backend, str):
            raise CheckpointError(
                "a model is a name, a URL or a path, as a string; got "
                f"{type(backend).__name__} {backend!r}"
            )
        release = self.release_of(backend)
        url = str(release.source) if release else backend
        try:
            return self._place_of(url)
        except (ValueError, OSError, RuntimeError) as error:  # of URL and path parsing
            raise CheckpointError(f"{backend!r} is no URL or path: {error}") from error

    def _place_of(self, url: str) -> Path:
        if not _is_url(url):
            path = Path(_with_suffix(url, url)).expanduser()
            path.is_file()  # a name that is too long shows itself here
            return path
        require_secure(url)
        name = _with_suffix(file_name_of(url), url)
        if len(name) > MAX_NAME_LENGTH:
            raise CheckpointError(f"the file name of {url} is longer than {MAX_NAME_LENGTH}")
        if url == DEFAULT_DEPTH_MODEL_URL:
            return self.cache / name
        # Files of other addresses may have the same name: each address has a folder of its own.
        return self.cache / hashlib.sha256(url.encode()).hexdigest()[:12] / name

    def release_of(self, backend: str) -> Release | None:
        """What is known of ``backend``, given by name or by URL."""
        return BY_NAME.get(backend) or BY_URL.get(backend)

    def cached_files(self) -> list[Path]:
        """Every checkpoint in the cache, sorted."""
        found = (p for s in SUFFIXES for p in self.cache.glob(f"**/*{s}"))
        return sorted(path for path in found if path.is_file())


def _is_url(text: str) -> bool:
    return "://" in text


def _with_suffix(name: str, whole: str) -> str:
    if "\0" in name:
        raise CheckpointError(f"{whole!r} is no path: it contains a NUL character")
    if not name.lower().endswith(SUFFIXES):
        raise (
            _not_found(whole)
            if not _is_url(whole)
            else CheckpointError(
                f"{whole} is not the address of a checkpoint: it must end in {', '.join(SUFFIXES)}"
            )
        )
    return name


def _not_found(backend: str) -> CheckpointError:
    if backend.lower().endswith(SUFFIXES):
        return CheckpointError(f"no checkpoint file at {backend}; check the path")
    names = [release.name for release in RELEASES]
    if (ours := _same_as_of_transformers(backend)) is not None:
        return CheckpointError(
            f"{backend!r} is a checkpoint for transformers, in a layout of its own; the same "
            f"weights are {ours!r} here: --model {ours}"
        )
    close = difflib.get_close_matches(backend, names, n=1)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    return CheckpointError(
        f"{backend!r} is not a model. {hint}Give a name ({', '.join(names)}), an https URL, or the "
        f"path of a local file, ending in {', '.join(SUFFIXES)}."
    )


def _same_as_of_transformers(backend: str) -> str | None:
    """Our name for the weights of ``depth-anything/Depth-Anything-V2-Small-hf``."""
    found = re.search(
        r"depth-anything-v2-(?:metric-(indoor|outdoor)-)?(small|base|large)-hf", backend.lower()
    )
    if found is None:
        return None
    return f"metric-{found[1]}-{found[2]}" if found[1] else found[2]
