"""What a batch job reads: photos in folders, by globs and lists; tables and shards of them; videos.

The job is planned in chunks. A chunk is small (names, not pixels): whoever works on it reads what
it names, a photo at a time.
"""

import fnmatch
import glob
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Literal

from vizion3d.cli.inputs import find_jobs, image_suffixes, unique_stems
from vizion3d.errors import InvalidImageError
from vizion3d.ray.files import Files, lines_of, split_address

Kind = Literal["files", "parquet", "webdataset", "video"]

VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".mkv", ".avi", ".webm", ".m4v"})
LIST_SUFFIXES = frozenset({".txt", ".lst", ".list"})
_TABLE, _SHARD = ".parquet", ".tar"


@dataclass(frozen=True)
class Photo:
    """What one command is made of.

    Attributes:
        id: Names it in the job's tables: its place in the source.
        stem: Where its results go in the destination, without their endings.
        images: Addresses of its images: one, or those of a pair.
    """

    id: str
    stem: str
    images: tuple[str, ...]


@dataclass(frozen=True)
class Chunk:
    """What is done at a time.

    Attributes:
        kind: What it is of.
        photos: Of ``"files"``: the photos.
        address: Of another kind: the table, shard or video.
        name: What ids and stems of its photos begin with.
        group: Row group of the table.
        done: Ids that the destination has already.
    """

    kind: Kind
    photos: tuple[Photo, ...] = ()
    address: str = ""
    name: str = ""
    group: int = 0
    done: frozenset[str] = field(default_factory=frozenset)

    @property
    def key(self) -> str:
        """The same for the same photos that are left to do, and only then."""
        told = [self.kind, self.name, str(self.group), *(photo.id for photo in self.photos)]
        text = "\n".join([*told, "", *sorted(self.done)])
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def plan(
    source: str, names: Sequence[str], endings: Sequence[str], out: str, size: int
) -> list[Chunk]:
    """Everything that a source holds, in chunks.

    Args:
        source: A folder, a glob, a list file (``.txt``), a Parquet file, a WebDataset shard, a
            video; here or in an object store.
        names: Of the images that one command takes.
        endings: Of the names of files that belong to one command; empty where one file is enough.
        out: The destination, which is left out if it lies in the source.
        size: Photos of a chunk of ``"files"``.

    Raises:
        InvalidImageError: There is nothing, or a photo of a pair is missing.
    """
    suffix = PurePosixPath(source).suffix.lower()
    if suffix in LIST_SUFFIXES:
        found = [(line, line.rpartition("/")[2]) for line in lines_of(source)]
    elif Files(source).is_local:
        found = _local(source, out)
    else:
        found = _remote(source, out)
    tables = [item for item in found if item[0].lower().endswith(_TABLE)]
    shards = [item for item in found if item[0].lower().endswith(_SHARD)]
    videos = [item for item in found if PurePosixPath(item[0]).suffix.lower() in VIDEO_SUFFIXES]
    rest = [item for item in found if item not in {*tables, *shards, *videos}]
    chunks = [chunk for item in tables for chunk in _groups(*item)]
    chunks += [Chunk("webdataset", address=a, name=_stem(name)) for a, name in shards]
    if len(names) == 1:
        chunks += [Chunk("video", address=a, name=name) for a, name in videos]
    photos = _photos(rest, names, endings)
    chunks += [Chunk("files", tuple(photos[i : i + size])) for i in range(0, len(photos), size)]
    if not chunks:
        raise InvalidImageError(f"there is nothing to do in {source}; check the address")
    return chunks


def without(chunks: Iterable[Chunk], done: frozenset[str], size: int) -> list[Chunk]:
    """The chunks, without the photos that are done."""
    chunks = list(chunks)
    left = [p for chunk in chunks for p in chunk.photos if p.id not in done]
    files = [Chunk("files", tuple(left[i : i + size])) for i in range(0, len(left), size)]
    others = [chunk for chunk in chunks if chunk.kind != "files"]
    marked = [
        replace(chunk, done=frozenset(i for i in done if i.startswith(f"{chunk.name}/")))
        for chunk in others
    ]
    return [*marked, *files]


def _local(source: str, out: str) -> list[tuple[str, str]]:
    """``(address, path below the source)`` of what a path or glob means."""
    path = Path(source)
    if path.is_dir():
        special = [
            (str(found), found.relative_to(path).as_posix())
            for found in sorted(path.rglob("*"))
            if found.suffix.lower() in {_TABLE, _SHARD, *VIDEO_SUFFIXES}
            and Path(out).absolute() not in found.absolute().parents
        ]
        if special:
            return special
    elif path.suffix.lower() in {_TABLE, _SHARD, *VIDEO_SUFFIXES}:
        matches = sorted(glob.glob(source, recursive=True))  # noqa: PTH207 (absolute ones too)
        return [(str(Path(match).absolute()), Path(match).name) for match in matches]
    jobs = find_jobs([source], Path(out))
    root = path if path.is_dir() else None
    return [
        (
            str(job.image.absolute()),
            job.image.relative_to(root).as_posix() if root else job.image.name,
        )
        for job in jobs
    ]


def _remote(source: str, out: str) -> list[tuple[str, str]]:
    pattern = ""
    folder = source.rstrip("/")
    while glob.has_magic(folder):
        folder, name = split_address(folder)
        pattern = f"{name}/{pattern}".rstrip("/")
    files = Files(folder)
    if not pattern and not files.is_folder():
        return [(source, PurePosixPath(source).name)]
    wanted = {_TABLE, _SHARD, *VIDEO_SUFFIXES, *image_suffixes()}
    below = out.rstrip("/") + "/"
    found = [
        (f"{folder}/{path}", path)
        for path in files.listed()
        if PurePosixPath(path).suffix.lower() in wanted
        and (not pattern or fnmatch.fnmatch(path, pattern))
        and not f"{folder}/{path}".startswith(below)
    ]
    tables = [item for item in found if item[0].endswith((_TABLE, _SHARD))]
    return tables or found


def _photos(
    found: Sequence[tuple[str, str]], names: Sequence[str], endings: Sequence[str]
) -> list[Photo]:
    """Photos, or pairs of them, with their places in the destination."""
    if not endings:
        stems = unique_stems([PurePosixPath(_inside(name)) for _, name in found])
        return [
            Photo(address if "://" in name else name, str(stem), (address,))
            for (address, name), stem in zip(found, stems, strict=True)
        ]
    groups: dict[str, dict[str, str]] = {}
    for address, name in found:
        stem = _stem(_inside(name))
        ending = next((e for e in endings if stem.endswith(e)), None)
        if ending is None:
            raise InvalidImageError(
                f"{name} ends with none of {', '.join(endings)}, so whether it is the "
                "left or the right image is not known"
            )
        groups.setdefault(stem.removesuffix(ending), {})[ending] = address
    for stem, group in groups.items():
        if len(group) != len(names):
            missing = ", ".join(e for e in endings if e not in group)
            raise InvalidImageError(f"the pair {stem} has no photo that ends with {missing}")
    return [
        Photo(stem, stem, tuple(group[ending] for ending in endings))
        for stem, group in groups.items()
    ]


def _groups(address: str, name: str) -> list[Chunk]:
    """A table, one chunk for each of its row groups."""
    import pyarrow.parquet as pq

    folder, file = split_address(address)
    with Files(folder).open(file) as opened:
        count = pq.ParquetFile(opened).num_row_groups
    return [Chunk("parquet", address=address, name=_stem(name), group=g) for g in range(count)]


def _stem(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(""))


def _inside(name: str) -> str:
    """A path that leads nowhere but down."""
    return "/".join(part for part in PurePosixPath(name).parts if part not in ("..", "/"))
