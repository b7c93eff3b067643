import json
import tarfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from vizion3d.outputs.formats import pick
from vizion3d.ray.failures import forget_failures
from vizion3d.ray.files import Files
from vizion3d.ray.job import batch
from vizion3d.ray.sinks import Into, Row, sink_of
from vizion3d.ray.sources import Chunk

FORMATS = pick(["npy"])
FACTS = {"min_depth": 0.5, "model": "nano"}
INTOS: tuple[Into, ...] = ("parquet", "webdataset")


def fine(name: str) -> Row:
    return Row(f"{name}.jpg", name, files={"npy": name.encode()}, facts=FACTS)


def broken(name: str) -> Row:
    return Row(f"{name}.jpg", name, "not an image")


def write(folder: Path, into: Into, key: str, *rows: Row) -> None:
    chunk = Chunk("files", name=key)
    with sink_of(into, Files(str(folder)), FORMATS).open(chunk) as writer:
        for row in rows:
            writer.add(row)


def contents(folder: Path, into: Into) -> dict[str, bytes]:
    """Name of a photo -> its file, of all that the destination has."""
    if into == "parquet":
        rows = [r for path in folder.glob("*.parquet") for r in pq.read_table(path).to_pylist()]
        return {row["id"]: row["npy"] for row in rows}
    found = {}
    for path in folder.glob("*.tar"):
        with tarfile.open(path) as tar:
            members = {m.name: tar.extractfile(m).read() for m in tar}  # type: ignore[union-attr]
        for name, content in members.items():
            if name.endswith(".json"):
                told = json.loads(content)
                found[told["id"]] = members.get(name.removesuffix("json") + "npy", b"")
    return found


@pytest.mark.parametrize("into", INTOS)
def test_only_what_failed_is_taken_out(tmp_path: Path, into: Into) -> None:
    many = [fine(f"a{number:02}") for number in range(20)]  # more than one group of rows
    write(tmp_path, into, "1", *many, broken("b"), fine("c"))
    write(tmp_path, into, "2", broken("d"), broken("e"))
    write(tmp_path, into, "3", fine("f"))
    key = Chunk("files", name="3").key
    untouched = {p: p.stat().st_mtime_ns for p in tmp_path.iterdir() if key in p.name}
    forget_failures(Files(str(tmp_path)), into)
    kept = {f"{name}.jpg": name.encode() for name in (*(row.stem for row in many), "c", "f")}
    assert contents(tmp_path, into) == kept
    assert sink_of(into, Files(str(tmp_path)), FORMATS).done([]) == dict.fromkeys(kept, "")
    assert not [p for p in tmp_path.iterdir() if Chunk("files", name="2").key in p.name]
    assert untouched
    assert untouched == {p: p.stat().st_mtime_ns for p in untouched}


def test_a_shard_that_was_being_rewritten_is_done_anew(tmp_path: Path) -> None:
    """Its list goes first: without it a shard is none."""
    write(tmp_path, "webdataset", "1", fine("a"), broken("b"))

    class Stopped(Files):
        def put(self, path: str, file: Path) -> None:
            raise OSError(f"no room for {path} of {file}")

    with pytest.raises(OSError, match="no room"):
        forget_failures(Stopped(str(tmp_path)), "webdataset")
    assert sink_of("webdataset", Files(str(tmp_path)), FORMATS).done([]) == {}
    assert list(tmp_path.iterdir()) == []


def test_files_have_no_failed_rows(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(b"a")
    forget_failures(Files(str(tmp_path)), "files")
    assert [path.name for path in tmp_path.iterdir()] == ["a.npy"]


@pytest.mark.parametrize("into", INTOS)
def test_a_dry_run_counts_them_and_changes_nothing(tmp_path: Path, into: Into) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    for name in ("a", "b", "c"):
        (photos / f"{name}.jpg").write_bytes(b"")
    write(out, into, "1", fine("a"), broken("b"))
    before = contents(out, into)
    counts = [
        batch(photos, out, model="nano", into=into, dry_run=True, retry_failed=retry).photos
        for retry in (False, True)
    ]
    assert counts == [1, 2]
    assert contents(out, into) == before
