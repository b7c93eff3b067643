"""What a batch job writes: one file for each photo and format, or tables or shards of many.

What is complete is known from the destination alone. A file, table or shard appears when it is
complete, and its name follows from what is in it: whoever does the same work again writes the same
name again.
"""

import json
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol, Self

from vizion3d.outputs.formats import Format
from vizion3d.ray.files import Files
from vizion3d.ray.sources import Chunk, Photo

Into = Literal["files", "parquet", "webdataset"]

ERRORS, SUMMARY = "vizion3d-errors.jsonl", "vizion3d-summary.json"
_TEXTS = ("depth_kind", "intrinsics", "model", "licence")
_NUMBERS = ("min_depth", "max_depth")
_ROWS_IN_MEMORY = 16


@dataclass(frozen=True)
class Row:
    """What came of one photo.

    Attributes:
        id: As :attr:`vizion3d.ray.sources.Photo.id`.
        stem: As :attr:`vizion3d.ray.sources.Photo.stem`.
        error: What was wrong with it; empty if nothing.
        files: Name of a format -> the file's content.
        facts: Numbers and texts that tables have as columns.
    """

    id: str
    stem: str
    error: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


class Sink(Protocol):
    """Where rows go. One is made in every worker."""

    def done(self, photos: Iterable[Photo]) -> dict[str, str]:
        """Ids that are complete (of ``photos``, if it cannot tell of others) -> their error."""
        ...

    def keep(self, row: Row) -> Row:
        """Write what can be written at once, from several threads; the row, without it."""
        ...

    def open(self, chunk: Chunk) -> "Writer":
        """Where the rows of a chunk go, one after another."""
        ...


class Writer(Protocol):
    """A context: what it was given is complete when it is left without an error."""

    def add(self, row: Row) -> None:
        """Take a row."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def sink_of(into: Into, files: Files, formats: Sequence[Format[Any]]) -> Sink:
    """The sink of that name."""
    kinds: Any = {"files": FilesSink, "parquet": ParquetSink, "webdataset": WebDatasetSink}
    made: Sink = kinds[into](files, formats)
    return made


class _Nothing:
    """Everything is written already."""

    def add(self, row: Row) -> None:
        """Nothing is left of it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...


class FilesSink:
    """``photo.depth.png`` and so on, as ``vizion3d depth`` names them.

    Args:
        files: The destination.
        formats: What is written of each photo.
    """

    def __init__(self, files: Files, formats: Sequence[Format[Any]]) -> None:
        self._files, self._formats = files, formats

    def done(self, photos: Iterable[Photo]) -> dict[str, str]:
        """Those of which every file is there; one that failed is tried again."""
        there = self._files.listed().keys()
        return {
            photo.id: ""
            for photo in photos
            if all(photo.stem + row.ending in there for row in self._formats)
        }

    def keep(self, row: Row) -> Row:
        """Write its files."""
        for form in self._formats:
            if form.name in row.files:
                self._files.write(row.stem + form.ending, row.files[form.name])
        return Row(row.id, row.stem, row.error)

    def open(self, chunk: Chunk) -> Writer:  # noqa: ARG002 (every sink is told)
        """Nothing is left to write."""
        return _Nothing()


class _Spooled:
    """A file that is made on this machine, a few rows at a time, and then put in its place."""

    def __init__(self, files: Files, name: str) -> None:
        self._files, self._name = files, name
        self._folder = tempfile.TemporaryDirectory(prefix="vizion3d-shard-")
        self.path = Path(self._folder.name) / "shard"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self.finish()
            if kind is None and self.path.exists():
                self._files.put(self._name, self.path)
                self.after()
        finally:
            self._folder.cleanup()

    def finish(self) -> None:
        """Close the file."""

    def after(self) -> None:
        """The file is in its place."""


class ParquetSink:
    """``part-<key>.parquet``: a row for each photo, also for those that failed.

    Columns: ``id``, ``error``, ``min_depth``, ``max_depth``, ``depth_kind``, ``intrinsics`` (JSON),
    ``model``, ``licence``, and each format's file by its name.

    Args:
        files: The destination.
        formats: What is written of each photo.
    """

    def __init__(self, files: Files, formats: Sequence[Format[Any]]) -> None:
        self._files, self._formats = files, formats

    def done(self, photos: Iterable[Photo]) -> dict[str, str]:  # noqa: ARG002 (every sink is told)
        """Every id in the tables that are there."""
        import pyarrow.parquet as pq

        done: dict[str, str] = {}
        for path in self._files.listed():
            if path.endswith(".parquet"):
                with self._files.open(path) as opened:
                    table = pq.read_table(opened, columns=["id", "error"]).to_pydict()
                done.update(zip(table["id"], table["error"], strict=True))
        return done

    def keep(self, row: Row) -> Row:
        """The row as it is."""
        return row

    def open(self, chunk: Chunk) -> Writer:
        """A table."""
        return _Table(self._files, f"part-{chunk.key}.parquet", self._formats)


class _Table(_Spooled):
    def __init__(self, files: Files, name: str, formats: Sequence[Format[Any]]) -> None:
        import pyarrow as pa

        super().__init__(files, name)
        texts = [(name, pa.string()) for name in ("id", "error", *_TEXTS)]
        numbers = [(name, pa.float64()) for name in _NUMBERS]
        contents = [(row.name, pa.large_binary()) for row in formats]
        self._schema = pa.schema([*texts, *numbers, *contents])
        self._rows: list[Row] = []
        self._writer: Any = None

    def add(self, row: Row) -> None:
        self._rows.append(row)
        if len(self._rows) == _ROWS_IN_MEMORY:
            self._write()

    def _write(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self._writer is None:
            self._writer = pq.ParquetWriter(self.path, self._schema)
        told = [{"id": row.id, "error": row.error, **row.facts, **row.files} for row in self._rows]
        self._writer.write_table(pa.Table.from_pylist(told, self._schema))
        self._rows.clear()

    def finish(self) -> None:
        if self._rows:
            self._write()
        if self._writer is not None:
            self._writer.close()


class WebDatasetSink:
    """``shard-<key>.tar``: a photo's files, and its facts or error as JSON.

    ``shard-<key>.jsonl`` beside it lists what is in it; a shard without one is from a job that was
    ended in between, and is removed.

    Args:
        files: The destination.
        formats: What is written of each photo.
    """

    def __init__(self, files: Files, formats: Sequence[Format[Any]]) -> None:
        self._files, self._formats = files, formats

    def done(self, photos: Iterable[Photo]) -> dict[str, str]:  # noqa: ARG002 (every sink is told)
        """Every id in the lists that are there."""
        there = self._files.listed()
        done: dict[str, str] = {}
        for path in there:
            if path.startswith("shard-") and path.endswith(".jsonl"):
                lines = map(json.loads, self._files.read(path).splitlines())
                done.update({line["id"]: line["error"] for line in lines})
            elif path.startswith("shard-") and f"{path.removesuffix('.tar')}.jsonl" not in there:
                self._files.delete(path)
        return done

    def keep(self, row: Row) -> Row:
        """The row as it is."""
        return row

    def open(self, chunk: Chunk) -> Writer:
        """A shard."""
        return _Shard(self._files, f"shard-{chunk.key}", self._formats)


class _Shard(_Spooled):
    def __init__(self, files: Files, name: str, formats: Sequence[Format[Any]]) -> None:
        super().__init__(files, f"{name}.tar")
        self._list = f"{name}.jsonl"
        self._formats = formats
        self._lines: list[bytes] = []
        self._tar = tarfile.open(self.path, "w")  # noqa: SIM115 (closed by finish)

    def add(self, row: Row) -> None:
        told = {"id": row.id, "error": row.error}
        for name, content in _members(row, self._formats, told):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            self._tar.addfile(member, BytesIO(content))
        self._lines.append(json.dumps(told).encode() + b"\n")

    def finish(self) -> None:
        self._tar.close()
        if not self._lines:
            self.path.unlink()

    def after(self) -> None:
        self._files.write(self._list, b"".join(self._lines))


def _members(
    row: Row, formats: Sequence[Format[Any]], told: Mapping[str, str]
) -> Iterator[tuple[str, bytes]]:
    """A sample's members; in a key no dot may be, which ends it."""
    folder, slash, name = row.stem.rpartition("/")
    key = folder + slash + name.replace(".", "_")
    for form in formats:
        if form.name in row.files and form.name != "json":
            yield key + form.ending, row.files[form.name]
    yield f"{key}.json", json.dumps({**told, **row.facts}).encode()
