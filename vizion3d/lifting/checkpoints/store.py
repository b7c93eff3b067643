"""Names, URLs and paths -> checkpoint files; what is known of each."""

import difflib
import hashlib
import json
import logging
import math
import threading
from dataclasses import dataclass
from pathlib import Path

from vizion3d.errors import CheckpointError, DownloadError
from vizion3d.lifting.checkpoints.catalog import (
    APACHE,
    BY_NAME,
    BY_URL,
    DEFAULT_DEPTH_MODEL_URL,
    RELEASES,
    Release,
    file_name_of,
    metric_range_m,
)
from vizion3d.lifting.checkpoints.download import Downloader, curl_line, require_secure
from vizion3d.lifting.geometry import DepthKind

logger = logging.getLogger(__name__)

SUFFIXES = (".pth", ".pt", ".safetensors")


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint file that exists on this machine.

    Attributes:
        path: The file.
        max_depth_m: Range of a metric checkpoint in metres; ``None`` for a relative one.
    """

    path: Path
    max_depth_m: float | None = None

    @property
    def depth_kind(self) -> DepthKind:
        return "relative" if self.max_depth_m is None else "metric"


class CheckpointStore:
    """Finds checkpoints, downloading into ``cache`` what is not there yet.

    Args:
        cache: Folder of downloaded checkpoints.
        downloader: What downloads.
        offline: Refuse to download.
    """

    def __init__(
        self, cache: Path, downloader: Downloader | None = None, offline: bool = False
    ) -> None:
        self.cache = cache
        self._downloader = downloader or Downloader()
        self._offline = offline
        self._noticed: set[str] = set()
        self._notice_lock = threading.Lock()

    def resolve(self, backend: str) -> Checkpoint:
        """The checkpoint file that ``backend`` means, downloaded if need be.

        Args:
            backend: A name of the catalogue (``"small"``), an https URL, or a local path, ending in
                ``.pth``, ``.pt`` or ``.safetensors``.

        Raises:
            CheckpointError: Unknown name, missing file, or a file of another kind.
            DownloadError: It had to be downloaded and could not be.
        """
        location = self.locate(backend)
        release = self.release_of(backend)
        if not location.is_file():
            url = str(release.source) if release else backend
            if not _is_url(url):
                raise _not_found(url)
            if self._offline:
                raise DownloadError(
                    f"VIZION3D_OFFLINE is set and {location} is not there. On a machine with "
                    f"network:\n  {curl_line(url, location)}"
                )
            self._downloader.fetch(url, location, release.sha256 if release else None)
        if release:
            self._notice_licence(release)
        return Checkpoint(location, metric_range_of(location))

    def locate(self, backend: str) -> Path:
        """Where the file is, or would be after a download; asks no network.

        Raises:
            CheckpointError: The URL or path does not end like a checkpoint's.
            DownloadError: A URL that is not https.
        """
        release = self.release_of(backend)
        url = str(release.source) if release else backend
        if not _is_url(url):
            return Path(_with_suffix(url, url)).expanduser()
        require_secure(url)
        name = _with_suffix(file_name_of(url), url)
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

    def _notice_licence(self, release: Release) -> None:
        with self._notice_lock:
            if release.licence in self._noticed:
                return
            self._noticed.add(release.licence)
        limits = "" if release.licence == APACHE else " (no commercial use)"
        logger.info("the weights %s are licensed %s%s", release.name, release.licence, limits)


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
    close = difflib.get_close_matches(backend, names, n=1)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    return CheckpointError(
        f"{backend!r} is not a model. {hint}Give a name ({', '.join(names)}), an https URL, or the "
        f"path of a local file, ending in {', '.join(SUFFIXES)}."
    )


def metric_range_of(path: Path) -> float | None:
    """Range by ``<file>.json`` beside the checkpoint, else by an official file name, else None."""
    note = path.with_name(path.name + ".json")
    if not note.is_file():
        return metric_range_m(path.name)
    try:
        described = json.loads(note.read_text())
        kind = described["depth_kind"]
        if kind == "relative":
            return None
        range_m = float(described["max_depth_m"])
        if kind == "metric" and math.isfinite(range_m) and range_m > 0:
            return range_m
    except (ValueError, KeyError, TypeError):
        pass
    raise CheckpointError(
        f'{note} must hold {{"depth_kind": "metric", "max_depth_m": <metres>}} or '
        f'{{"depth_kind": "relative"}}, got: {note.read_text()[:200]}'
    )
