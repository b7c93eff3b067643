"""The photos of a chunk, one at a time."""

import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from vizion3d.cli.inputs import image_suffixes
from vizion3d.errors import InvalidImageError
from vizion3d.media.images import ImageInput
from vizion3d.ray.files import Files, split_address
from vizion3d.ray.sources import Chunk

Images = dict[str, ImageInput]

_ID_COLUMNS = ("id", "__key__", "path", "name", "file_name")
_ROWS = 16
_DIGITS = 8


@dataclass(frozen=True)
class Sample:
    """What one command is made of, here or about to be read.

    Attributes:
        id: As :attr:`vizion3d.ray.sources.Photo.id`.
        stem: As :attr:`vizion3d.ray.sources.Photo.stem`.
        load: Its images by name; raises ``OSError`` or
            :class:`~vizion3d.errors.InvalidImageError` where they cannot be read.
    """

    id: str
    stem: str
    load: Callable[[], Images]


def samples_of(chunk: Chunk, names: Sequence[str]) -> Iterator[Sample]:
    """The photos of a chunk that are not done.

    Args:
        chunk: Part of a job.
        names: Of the images that a command takes.

    What cannot be read further is one sample, whose images cannot be loaded.
    """
    readers = {"files": _photos, "parquet": _rows, "webdataset": _tar, "video": _frames}
    try:
        for sample in readers[chunk.kind](chunk, names):
            if sample.id not in chunk.done:
                yield sample
    except (OSError, ValueError, tarfile.TarError, InvalidImageError) as error:
        text = f"{chunk.address} cannot be read further: {error}"
        yield Sample(f"{chunk.name}/", f"{chunk.name}/unreadable", _failing(text))


def _failing(text: str) -> Callable[[], Images]:
    def fail() -> Images:
        raise InvalidImageError(text)

    return fail


def _photos(chunk: Chunk, names: Sequence[str]) -> Iterator[Sample]:
    for photo in chunk.photos:

        def load(addresses: tuple[str, ...] = photo.images) -> Images:
            return dict(zip(names, map(_image_at, addresses), strict=True))

        yield Sample(photo.id, photo.stem, load)


def _image_at(address: str) -> ImageInput:
    if "://" not in address:
        return address
    parts = urlsplit(address)
    return _bucket(f"{parts.scheme}://{parts.netloc}").read(parts.path.lstrip("/"))


@lru_cache(maxsize=8)
def _bucket(address: str) -> Files:
    return Files(address)


def _here(chunk: Chunk, key: str, images: dict[str, Any], names: Sequence[str]) -> Sample:
    """A sample whose images have arrived."""
    place = PurePosixPath(chunk.name) / "/".join(
        part for part in PurePosixPath(key).parts if part not in ("..", "/")
    )
    missing = [name for name in names if images.get(name) is None]
    load = _failing(f"it has no {', '.join(missing)}") if missing else lambda: images
    if place.suffix.lower() in image_suffixes():
        place = place.with_suffix("")
    return Sample(f"{chunk.name}/{key}", str(place), load)


def _rows(chunk: Chunk, names: Sequence[str]) -> Iterator[Sample]:
    import pyarrow.parquet as pq

    folder, file = split_address(chunk.address)
    with Files(folder).open(file) as opened:
        table = pq.ParquetFile(opened)
        columns = table.schema_arrow.names
        if missing := [name for name in names if name not in columns]:
            raise InvalidImageError(
                f"the table has no column {', '.join(missing)}; it has {', '.join(columns)}"
            )
        ids = next((name for name in _ID_COLUMNS if name in columns), None)
        first = sum(table.metadata.row_group(g).num_rows for g in range(chunk.group))
        wanted = [*names, *([ids] if ids else [])]
        batches = table.iter_batches(_ROWS, row_groups=[chunk.group], columns=wanted)
        rows = (row for batch in batches for row in batch.to_pylist())
        for number, row in enumerate(rows, first):
            key = str(row[ids]) if ids else f"{number:0{_DIGITS}d}"
            yield _here(chunk, key, {name: _bytes(row[name]) for name in names}, names)


def _bytes(cell: Any) -> Any:
    """Hugging Face's tables hold ``{"bytes": ..., "path": ...}``."""
    return cell["bytes"] if isinstance(cell, dict) else cell


def _tar(chunk: Chunk, names: Sequence[str]) -> Iterator[Sample]:
    folder, file = split_address(chunk.address)
    with Files(folder).open(file) as opened, tarfile.open(fileobj=opened, mode="r|*") as tar:
        members = (member for member in tar if member.isfile())
        for key, group in groupby(members, lambda member: _key(member.name)[0]):
            images = {}
            for member in group:
                name = _image_name(_key(member.name)[1], names)
                content = tar.extractfile(member) if name else None
                if name and content is not None:
                    images[name] = content.read()
            yield _here(chunk, key, images, names)


def _key(name: str) -> tuple[str, str]:
    """A member's sample, and what it is of it: ``a/b.left.jpg`` -> ``a/b``, ``left.jpg``."""
    folder, slash, file = name.rpartition("/")
    key, _, rest = file.partition(".")
    return folder + slash + key, rest.lower()


def _image_name(rest: str, names: Sequence[str]) -> str | None:
    """Which of the images a member is: the only one, or the one whose name begins so."""
    if f".{rest.rpartition('.')[2]}" not in image_suffixes():
        return None
    if len(names) == 1:
        return names[0]
    return next((name for name in names if name.startswith(rest.partition(".")[0])), None)


def _frames(chunk: Chunk, names: Sequence[str]) -> Iterator[Sample]:
    from vizion3d.media.video import Video

    with tempfile.TemporaryDirectory(prefix="vizion3d-video-") as folder:
        path = Path(chunk.address)
        if "://" in chunk.address:
            source, file = split_address(chunk.address)
            path = Path(folder) / file
            path.write_bytes(Files(source).read(file))
        with Video(path) as video:
            for number, frame in enumerate(video):
                yield _here(chunk, f"{number:0{_DIGITS}d}", {names[0]: frame}, names)
