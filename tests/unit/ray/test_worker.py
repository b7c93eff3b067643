"""A worker that two threads of Ray's give chunks to, without Ray."""

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

from tests.support.checkpoints import save_checkpoint
from vizion3d.ray.sinks import Row, Sink, Writer
from vizion3d.ray.sources import Chunk, Photo
from vizion3d.ray.worker import Job, Worker

FIRST, SECOND = "first", "second"


@dataclass
class WaitingSink:
    """Keeps no row of the first chunk before one of the second is there; tells the order."""

    kept: list[str] = field(default_factory=list)
    second_is_there: threading.Event = field(default_factory=threading.Event)

    def done(self, photos: Iterable[Photo]) -> dict[str, str]:
        return {}

    def keep(self, row: Row) -> Row:
        if row.id.startswith(SECOND):
            self.second_is_there.set()
        assert self.second_is_there.wait(60)
        self.kept.append(row.id)
        return row

    def open(self, chunk: Chunk) -> Writer:
        return NoWriter()


class NoWriter:
    def __enter__(self) -> "NoWriter":
        return self

    def __exit__(self, *_: object) -> None: ...

    def add(self, row: Row) -> None: ...


@dataclass(frozen=True)
class JobInto(Job):
    """A job with a sink of its own."""

    into_sink: WaitingSink = field(default_factory=WaitingSink)

    def sink(self) -> Sink:
        return self.into_sink


class Watched(tuple[Photo, ...]):
    """Photos that tell in which order they are taken first."""

    __slots__ = ()
    taken: ClassVar[dict[str, None]] = {}

    def __iter__(self) -> Iterator[Photo]:
        for photo in super().__iter__():
            self.taken.setdefault(photo.id)
            yield photo


@pytest.fixture
def worker(tmp_path: Path) -> tuple[Worker, WaitingSink]:
    model = str(save_checkpoint(tmp_path / "tiny.safetensors"))
    job = JobInto("depth_estimation", model, {"input_size": 28}, ("npy",), str(tmp_path), "files")
    return Worker(job), job.into_sink


def chunk_of(folder: Path, name: str, count: int) -> Chunk:
    photo = folder / "photo.png"
    Image.fromarray(np.arange(32 * 48 * 3, dtype=np.uint8).reshape(32, 48, 3)).save(photo)
    photos = (Photo(f"{name}{n}", f"{name}{n}", (str(photo),)) for n in range(count))
    return Chunk("files", Watched(photos))


def test_the_next_chunk_begins_while_the_last_photos_of_one_are_under_way(
    worker: tuple[Worker, WaitingSink], tmp_path: Path
) -> None:
    at_work, sink = worker
    Watched.taken.clear()
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(at_work.work, chunk_of(tmp_path, FIRST, 2))
        while len(Watched.taken) < 2:
            assert not first.done()
        second = threads.submit(at_work.work, chunk_of(tmp_path, SECOND, 3))
        assert first.result(60)["photos"] == [2]
        assert second.result(60)["photos"] == [3]
    assert list(Watched.taken) == ["first0", "first1", "second0", "second1", "second2"]
    assert sorted(sink.kept) == sorted(Watched.taken)


def test_no_photo_is_taken_before_all_of_the_chunk_before_are(
    worker: tuple[Worker, WaitingSink], tmp_path: Path
) -> None:
    at_work, sink = worker
    sink.second_is_there.set()
    Watched.taken.clear()
    with ThreadPoolExecutor(2) as threads:
        chunks = [chunk_of(tmp_path, name, 12) for name in (FIRST, SECOND)]
        list(threads.map(at_work.work, chunks))
    names = [name.rstrip("0123456789") for name in Watched.taken]
    assert names in ([FIRST] * 12 + [SECOND] * 12, [SECOND] * 12 + [FIRST] * 12)
