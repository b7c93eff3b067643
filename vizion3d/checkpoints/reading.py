"""What checkpoint files and the notes beside them say; each is read anew only when it changes."""

import json
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from vizion3d.checkpoints.catalogue import Release, metric_range_m
from vizion3d.checkpoints.checkpoint import Checkpoint, ReadCheckpoint
from vizion3d.checkpoints.header import read_names
from vizion3d.core.fork import renew_after_fork
from vizion3d.errors import CheckpointError
from vizion3d.networks.base import Family, Header
from vizion3d.networks.registry import recognise

MAX_RANGE_M = 1e6

_MAX_READ = 256
"""Files whose headers are remembered."""

_Stamp = tuple[int, int] | None
_Stamps = tuple[_Stamp, _Stamp, _Stamp]
"""Time and size of a file and of the two notes that may be beside it."""


class CheckpointReader:
    """Reads the headers of checkpoint files.

    Args:
        families: The networks that files are recognised as.
    """

    def __init__(self, families: Sequence[Family]) -> None:
        self._families = families
        self._read: OrderedDict[Path, tuple[_Stamps, ReadCheckpoint]] = OrderedDict()
        self.after_fork()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Begin with a lock that nobody holds."""
        self._lock = threading.Lock()

    def read(self, path: Path, release: Release | None) -> ReadCheckpoint:
        """What a file says of itself.

        Args:
            path: The file.
            release: The release that it is, if it is known to be one.

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
        header = Header(names.shapes, names.metadata, max_depth_m, _names_of(path, release))
        network = recognise(header, str(path), self._families)
        read = ReadCheckpoint(Checkpoint(path, network), names.parameters)
        with self._lock:
            self._read[path] = stamps, read
            while len(self._read) > _MAX_READ:
                self._read.popitem(last=False)
        return read


def _names_of(path: Path, release: Release | None) -> tuple[str, ...]:
    """What a file is called, the surest first; see :class:`Header`."""
    released = [release.name] if release else []
    config = _model_name_of(_config_of(path))
    return (*released, *config, path.stem, path.parent.name)


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
