import io
import tarfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.videos import panning, write_video
from vizion3d.errors import InvalidImageError
from vizion3d.ray.samples import samples_of
from vizion3d.ray.sources import Chunk, plan, without

ONE = ("image",)
PAIR = ("left_image", "right_image")
ENDINGS = ("_left", "_right")


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return folder


def planned(source: object, size: int = 10, out: str = "out") -> list[Chunk]:
    return plan(str(source), ONE, (), out, size)


def test_a_folder_is_chunks_of_photos_named_as_the_command_line_names_them(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "a.png", "below/b.jpg", "notes.txt", ".hidden.jpg", "out/c.jpg")
    chunks = planned(tmp_path, size=2, out=str(tmp_path / "out"))
    photos = [photo for chunk in chunks for photo in chunk.photos]
    assert [photo.id for photo in photos] == ["a.jpg", "a.png", "below/b.jpg"]
    assert [photo.stem for photo in photos] == ["a_jpg", "a_png", "below/b"]
    assert [len(chunk.photos) for chunk in chunks] == [2, 1]


def test_a_list_names_photos_by_line(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "b.jpg")
    lines = tmp_path / "photos.txt"
    lines.write_text(f"# mine\n{tmp_path / 'a.jpg'}\n\n{tmp_path / 'b.jpg'}\n")
    (chunk,) = planned(lines)
    assert [photo.stem for photo in chunk.photos] == ["a", "b"]
    assert [photo.images for photo in chunk.photos] == [
        (str(tmp_path / "a.jpg"),),
        (str(tmp_path / "b.jpg"),),
    ]


def test_pairs_are_found_by_their_endings_and_one_that_is_not_whole_is_told(
    tmp_path: Path,
) -> None:
    touch(tmp_path, "x_left.png", "x_right.png")
    (chunk,) = plan(str(tmp_path), PAIR, ENDINGS, "out", 10)
    (photo,) = chunk.photos
    assert (photo.id, [Path(p).name for p in photo.images]) == ("x", ["x_left.png", "x_right.png"])
    touch(tmp_path, "y_left.png")
    with pytest.raises(InvalidImageError, match="_right"):
        plan(str(tmp_path), PAIR, ENDINGS, "out", 10)
    touch(tmp_path, "z.png")
    with pytest.raises(InvalidImageError, match=r"z\.png"):
        plan(str(tmp_path), PAIR, ENDINGS, "out", 10)


def test_nothing_to_do_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidImageError):
        planned(tmp_path)


def test_what_is_done_is_left_out_and_changes_the_chunks_key(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "b.jpg", "c.jpg")
    (whole,) = planned(tmp_path)
    (left,) = without([whole], frozenset({"b.jpg"}), 10)
    assert [photo.id for photo in left.photos] == ["a.jpg", "c.jpg"]
    assert left.key != whole.key
    assert without([whole], frozenset(), 10)[0].key == whole.key
    table = Chunk("parquet", address="t.parquet", name="t")
    (marked,) = without([table], frozenset({"t/1", "other/1"}), 10)
    assert marked.done == {"t/1"}


def test_a_table_is_a_chunk_for_each_row_group(tmp_path: Path) -> None:
    rows = {"image": [{"bytes": b"0", "path": None}, {"bytes": b"1", "path": None}, None]}
    pq.write_table(pa.table(rows), tmp_path / "t.parquet", row_group_size=2)
    chunks = planned(tmp_path)
    assert [chunk.group for chunk in chunks] == [0, 1]
    samples = [sample for chunk in chunks for sample in samples_of(chunk, ONE)]
    assert [sample.id for sample in samples] == ["t/00000000", "t/00000001", "t/00000002"]
    assert [sample.load() for sample in samples[:2]] == [{"image": b"0"}, {"image": b"1"}]


def test_a_table_without_the_column_is_one_error(tmp_path: Path) -> None:
    pq.write_table(pa.table({"picture": [b"0"]}), tmp_path / "t.parquet")
    (chunk,) = planned(tmp_path)
    (sample,) = samples_of(chunk, ONE)
    with pytest.raises(InvalidImageError, match="picture"):
        sample.load()


def test_a_shard_s_samples_are_read_in_order_and_leave_their_folder_never(tmp_path: Path) -> None:
    members = {
        "0.left.jpg": b"l0",
        "0.right.jpg": b"r0",
        "0.json": b"{}",
        "../1.left.jpg": b"l1",
        "../1.right.jpg": b"r1",
    }
    with tarfile.open(tmp_path / "s.tar", "w") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    (chunk,) = plan(str(tmp_path / "s.tar"), PAIR, ENDINGS, "out", 10)
    first, second = samples_of(chunk, PAIR)
    assert first.load() == {"left_image": b"l0", "right_image": b"r0"}
    assert (second.id, second.stem) == ("s/../1", "s/1")


def test_a_damaged_shard_is_one_error(tmp_path: Path) -> None:
    touch(tmp_path, "s.tar")
    (chunk,) = planned(tmp_path)
    (sample,) = samples_of(chunk, ONE)
    with pytest.raises(InvalidImageError, match=r"s\.tar"):
        sample.load()


def test_a_video_s_frames_are_photos(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4", panning(3))
    (chunk,) = planned(tmp_path / "clip.mp4")
    samples = list(samples_of(chunk, ONE))
    assert [sample.id for sample in samples] == [f"clip.mp4/{n:08d}" for n in range(3)]
    frame = samples[0].load()["image"]
    assert isinstance(frame, np.ndarray)
    assert frame.dtype == np.uint8
