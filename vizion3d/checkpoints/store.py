"""Names, URLs and paths -> checkpoint files; what is known of each."""

import difflib
import hashlib
import json
import logging
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from vizion3d.checkpoints.catalogue import (
    APACHE,
    BY_NAME,
    BY_URL,
    DEFAULT_DEPTH_MODEL_URL,
    RELEASES,
    Release,
    metric_range_m,
)
from vizion3d.checkpoints.header import read_names
from vizion3d.checkpoints.licences import LicencePolicy
from vizion3d.checkpoints.urls import curl_line, file_name_of, require_secure
from vizion3d.core.fork import renew_after_fork
from vizion3d.core.shared import SharedWork
from vizion3d.errors import CheckpointError, DownloadError
from vizion3d.geometry.depth import DepthKind
from vizion3d.networks.base import Family, Header, Meaning, Network, Output
from vizion3d.networks.registry import FAMILIES, recognise, refuse_by_name

if TYPE_CHECKING:
    from vizion3d.checkpoints.download import Downloader

logger = logging.getLogger(__name__)

SUFFIXES = (".pth", ".pt", ".safetensors")

MAX_RANGE_M = 1e6

_MAX_READ = 256
"""Files whose headers are remembered."""

MAX_NAME_LENGTH = 200
"""Longest file name taken over from a URL: file systems end at 255 with our own endings."""


_DEPTH_KINDS: dict[Meaning, DepthKind] = {
    Meaning.INVERSE_DEPTH: "relative",
    Meaning.DEPTH: "up_to_scale",
    Meaning.METRES: "metric",
    Meaning.METRES_PER_FOCAL_PX: "metric",
}


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint file that exists on this machine.

    Attributes:
        path: The file.
        network: The network that its tensors are.
    """

    path: Path
    network: Network

    @property
    def depth(self) -> tuple[Output, DepthKind] | None:
        """The network's depth output and its kind; ``None`` if it has none."""
        output = self.network.output(*_DEPTH_KINDS)
        return None if output is None else (output, _DEPTH_KINDS[output.meaning])


@dataclass(frozen=True)
class ReadCheckpoint:
    """A checkpoint, and what else its header says.

    Attributes:
        checkpoint: The file and its network.
        parameters: Number of weights.
    """

    checkpoint: Checkpoint
    parameters: int


_Stamp = tuple[int, int] | None
_Stamps = tuple[_Stamp, _Stamp, _Stamp]
"""Time and size of a file and of the two notes that may be beside it."""


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
        self._downloader = downloader
        self._offline = offline
        self._families = families
        self._licences = licences or LicencePolicy()
        self._downloads = SharedWork[None]()
        self._read: OrderedDict[Path, tuple[_Stamps, ReadCheckpoint]] = OrderedDict()
        self.after_fork()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Begin with a lock that nobody holds."""
        self._lock = threading.Lock()

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
        stamps = _stamp(path), _stamp(_note_of(path)), _stamp(_config_of(path))
        with self._lock:
            known = self._read.get(path)
            if known and known[0] == stamps:
                self._read.move_to_end(path)
                return known[1]
        max_depth_m = metric_range_of(path)
        names = read_names(path)
        header = Header(names.shapes, names.metadata, max_depth_m, self._names_of(path))
        network = recognise(header, str(path), self._families)
        read = ReadCheckpoint(Checkpoint(path, network), names.parameters)
        with self._lock:
            self._read[path] = stamps, read
            while len(self._read) > _MAX_READ:
                self._read.popitem(last=False)
        return read

    def _names_of(self, path: Path) -> tuple[str, ...]:
        """What a file is called, the surest first; see :class:`Header`."""
        release = self._release_at(path)
        released = [release.name] if release else []
        config = _model_name_of(_config_of(path))
        return (*released, *config, path.stem, path.parent.name)

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
        location = self.locate(backend)
        release = self.release_of(backend)
        self._licences.check(backend, location, release or self._release_at(location))
        if not location.is_file():
            url = str(release.source) if release else backend
            if not _is_url(url):
                raise _not_found(url)
            refuse_by_name(url)
            if self._offline:
                raise DownloadError(
                    f"VIZION3D_OFFLINE is set and {location} is not there. On a machine with "
                    f"network:\n  {curl_line(url, location)}"
                )
            download = partial(self._download, url, location, release)
            self._downloads.result(location, download)
        if release:
            self._notice_licence(release)
        return location

    def _download(self, url: str, location: Path, release: Release | None) -> None:
        from vizion3d.checkpoints.download import Downloader  # imports requests

        size_bytes, sha256 = (release.size_bytes, release.sha256) if release else (None, None)
        (self._downloader or Downloader()).fetch(url, location, sha256, size_bytes)

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

    def _notice_licence(self, release: Release) -> None:
        with _notice_lock:
            if release.licence in _noticed:
                return
            _noticed.add(release.licence)
        limits = "" if release.licence == APACHE else " (no commercial use)"
        logger.info("the weights %s are licensed %s%s", release.name, release.licence, limits)


_notice_lock = threading.Lock()
_noticed: set[str] = set()
"""Licences that this process has logged already."""


def forget_notices() -> None:
    """Log every licence once more."""
    with _notice_lock:
        _noticed.clear()


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


def _note_of(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _config_of(path: Path) -> Path:
    return path.with_name("config.json")


def _model_name_of(config: Path) -> list[str]:
    """``model_name`` of a ``config.json``, which official files of Depth Anything 3 lie beside.

    Files of that name are of many kinds: one that says something else is none of ours.
    """
    try:
        told = json.loads(config.read_bytes())
        return [told["model_name"]] if isinstance(told["model_name"], str) else []
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []


def _stamp(path: Path) -> _Stamp:
    try:
        status = path.stat()
    except OSError:
        return None  # reading the file will raise the error
    return status.st_mtime_ns, status.st_size


def metric_range_of(path: Path) -> float | None:
    """Range by ``<file>.json`` beside the checkpoint, else by an official file name, else None."""
    note = _note_of(path)
    if not note.is_file():
        return metric_range_m(path.name)
    try:
        content = note.read_bytes()
        described = json.loads(content)
        kind = described["depth_kind"]
        if kind == "relative":
            return None
        range_m = described["max_depth_m"]
        if kind == "metric" and type(range_m) in (int, float) and 0 < range_m < MAX_RANGE_M:
            return float(range_m)
    except OSError as error:
        raise CheckpointError(f"{note} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise CheckpointError(
        f'{note} must hold {{"depth_kind": "metric", "max_depth_m": <metres>}} or '
        f'{{"depth_kind": "relative"}}, got {content[:200]!r}'
    )
