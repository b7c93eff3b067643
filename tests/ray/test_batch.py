"""Real batch jobs on a small cluster of Ray's, which the module starts and ends."""

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow.parquet as pq
import pytest
from PIL import Image
from typer.testing import CliRunner

from tests.support.checkpoints import save_checkpoint
from vizion3d.programs.cli import app
from vizion3d.ray import Progress, batch
from vizion3d.ray.cluster import connected

pytestmark = pytest.mark.process

GOOD, BROKEN = 37, 3
PHOTOS = GOOD + BROKEN
SMALL = {"input_size": 28}


@pytest.fixture(scope="module")
def ray(s3: str) -> Iterator[Any]:
    """Workers have the credentials that it begins with."""
    with connected(cpus=4) as started:
        yield started


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some in a folder below, some broken, each different."""
    folder = tmp_path_factory.mktemp("batch") / "photos"
    (folder / "below").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(GOOD):
        below = folder / "below" if number % 3 == 0 else folder
        pixels = rng.integers(0, 256, (24, 32 + number % 2, 3), np.uint8)
        Image.fromarray(pixels).save(below / f"{number:02d}.png")
    for number in range(BROKEN):
        (folder / f"broken{number}.jpg").write_bytes(b"no photo" * number)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save_checkpoint(tmp_path_factory.mktemp("model") / "tiny.safetensors"))


@pytest.fixture(scope="module")
def expected(
    photos: Path, model: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, bytes]:
    """What ``vizion3d depth`` writes, by its place."""
    out = tmp_path_factory.mktemp("expected")
    cache = out / "model-cache"
    options = (
        "--save",
        "png",
        "--input-size",
        "28",
        "--model",
        model,
        "--out",
        str(out / "results"),
    )
    env = {"VIZION3D_DEVICE": "cpu", "VIZION3D_MODEL_CACHE": str(cache)}
    told = CliRunner().invoke(app, ["depth", str(photos), *options], env=env)
    assert told.exit_code == 1  # the broken ones
    return contents(out / "results")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*.png")}


def run(photos: Any, out: Any, model: str, **options: Any) -> Any:
    options = {"workers": 1, "chunk_photos": 5, "parameters": SMALL, **options}
    return batch(photos, out, model=model, **options)


def test_the_files_are_those_of_the_command_line_however_many_workers(
    ray: Any, photos: Path, model: str, expected: dict[str, bytes], tmp_path: Path
) -> None:
    told: list[Progress] = []
    summary = run(
        photos, tmp_path / "out", model, workers=2, cpus_per_worker=1, progress=told.append
    )
    assert contents(tmp_path / "out") == expected
    assert (summary.photos, summary.failed, summary.skipped) == (PHOTOS, BROKEN, 0)
    assert {name for name, _ in summary.errors} == {f"broken{n}.jpg" for n in range(BROKEN)}
    assert (told[-1].done, told[-1].failed, told[-1].left) == (PHOTOS, BROKEN, PHOTOS)
    written = json.loads((tmp_path / "out" / "vizion3d-summary.json").read_text())
    assert written["failed"] == BROKEN
    errors = (tmp_path / "out" / "vizion3d-errors.jsonl").read_text().splitlines()
    assert len(errors) == BROKEN


def test_a_job_that_lacks_some_does_these_alone(
    ray: Any, photos: Path, model: str, expected: dict[str, bytes], tmp_path: Path
) -> None:
    half = dict(sorted(expected.items())[::2])
    for path, content in half.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(content)
    assert run(photos, tmp_path, model, dry_run=True).photos == PHOTOS - len(half)
    assert contents(tmp_path) == half
    summary = run(photos, tmp_path, model)
    assert (summary.photos, summary.skipped) == (PHOTOS - len(half), len(half))
    assert contents(tmp_path) == expected


def test_a_killed_worker_costs_no_photo_and_doubles_none(
    ray: Any, photos: Path, model: str, expected: dict[str, bytes], tmp_path: Path
) -> None:
    killed = threading.Event()

    def kill(_: Progress) -> None:
        if not killed.is_set():
            workers_of_ray()[0].send_signal(signal.SIGKILL)
            killed.set()

    summary = run(photos, tmp_path, model, into="parquet", progress=kill)
    assert killed.is_set()
    assert (summary.photos, summary.failed) == (PHOTOS, BROKEN)
    check_tables(tmp_path, expected)


def workers_of_ray() -> list[psutil.Process]:
    """The processes that work on chunks."""
    found = psutil.process_iter(["cmdline"])
    return [p for p in found if any("MapWorker" in part for part in p.info["cmdline"] or ())]


def check_tables(folder: Path, expected: dict[str, bytes]) -> None:
    rows = [row for path in folder.glob("*.parquet") for row in pq.read_table(path).to_pylist()]
    assert len(rows) == PHOTOS
    assert len({row["id"] for row in rows}) == PHOTOS
    results = {row["id"]: row for row in rows if not row["error"]}
    assert {
        f"{Path(name).with_suffix('')}.depth.png": row["png"] for name, row in results.items()
    } == expected
    assert all(row["min_depth"] <= row["max_depth"] for row in results.values())
    assert all(json.loads(row["intrinsics"])["fx"] > 0 for row in results.values())
    assert all(row["png"] is None for row in rows if row["error"])


KILLED = """
import os, signal, sys
from vizion3d.ray import batch

def stop(told):
    if told.done >= 15:
        os.kill(os.getpid(), signal.SIGKILL)

source, out, model, address = sys.argv[1:]
batch(source, out, model=model, into="webdataset", workers=1, chunk_photos=5, address=address,
      parameters={"input_size": 28}, progress=stop)
"""


def test_a_killed_job_goes_on_where_it_was(
    ray: Any, photos: Path, model: str, expected: dict[str, bytes], tmp_path: Path
) -> None:
    address = ray.get_runtime_context().gcs_address
    command = (sys.executable, "-c", KILLED, str(photos), str(tmp_path), model, address)
    ended = subprocess.run(command, timeout=120, check=False, env={**os.environ})
    assert ended.returncode == -signal.SIGKILL
    (tmp_path / "shard-0123456789abcdef.tar").write_bytes(b"ended before its list was written")
    summary = run(photos, tmp_path, model, into="webdataset")
    assert summary.skipped >= 15
    assert summary.photos + summary.skipped == PHOTOS
    assert summary.failed == BROKEN
    members: dict[str, bytes] = {}
    for path in tmp_path.glob("*.tar"):
        with tarfile.open(path) as tar:
            for member in tar:
                assert member.name not in members
                content = tar.extractfile(member)
                assert content is not None
                members[member.name] = content.read()
    pictures = {name: content for name, content in members.items() if name.endswith(".depth.png")}
    assert pictures == expected
    errors = [json.loads(c)["error"] for n, c in members.items() if n.endswith(".json")]
    assert (len(errors), sum(map(bool, errors))) == (PHOTOS, BROKEN)


def test_tables_and_shards_are_sources_and_s3_is_a_place(
    ray: Any, photos: Path, model: str, expected: dict[str, bytes], tmp_path: Path, s3: str
) -> None:
    """Photos into shards, these up to S3, from there into tables in S3, and back into files."""
    import pyarrow as pa

    from vizion3d.ray.files import Files

    good = sorted(photos.rglob("*.png"))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path in good:
            tar.add(path, str(path.relative_to(photos)))
    bucket = Files(f"{s3}/in")
    bucket.write("photos-0.tar", buffer.getvalue())
    table = pa.table({"image": [p.read_bytes() for p in good], "id": [p.name for p in good]})
    pq.write_table(table, tmp_path / "rows.parquet", row_group_size=20)
    bucket.put("tables/rows.parquet", tmp_path / "rows.parquet")
    first = run(f"{s3}/in/photos-0.tar", f"{s3}/out", model, chunk_photos=64)
    assert (first.photos, first.failed) == (GOOD, 0)
    made = Files(f"{s3}/out")
    pictures = {
        path.removeprefix("photos-0/"): made.read(path)
        for path in made.listed()
        if path.endswith("png")
    }
    assert pictures == expected
    second = run(f"{s3}/in/tables", f"{s3}/rows", model, into="parquet")
    again = run(f"{s3}/in/tables", f"{s3}/rows", model, into="parquet")
    assert (second.photos, again.photos, again.skipped) == (GOOD, 0, GOOD)


def test_what_fails_for_every_photo_ends_the_job_with_its_error(
    ray: Any, photos: Path, tmp_path: Path
) -> None:
    from vizion3d.errors import CheckpointError

    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(b"no checkpoint")
    with pytest.raises(CheckpointError):
        run(photos, tmp_path / "out", str(damaged))
