import hashlib
import io
import json
import multiprocessing
import os
import shlex
import zipfile
from pathlib import Path

import numpy as np
import pytest
import requests
from safetensors.numpy import save

from tests.support.http_server import Served, serve
from vizion3d.checkpoints.download import Downloader
from vizion3d.checkpoints.partial import Partial
from vizion3d.checkpoints.urls import curl_line, require_secure
from vizion3d.errors import CheckpointError, DownloadError


def zip_of(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("data.pkl", content)
    return buffer.getvalue()


WEIGHTS = zip_of(os.urandom(3_000_000))


class FakeSleep:
    """Remembers the pauses instead of making them."""

    def __init__(self) -> None:
        self.pauses: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.pauses.append(seconds)


@pytest.fixture
def sleep() -> FakeSleep:
    return FakeSleep()


@pytest.fixture
def downloader(sleep: FakeSleep) -> Downloader:
    return Downloader(attempts=4, sleep=sleep, timeout_s=5)


def only_file(folder: Path) -> str:
    """The visible file in the folder; there must be just one (the lock is hidden)."""
    (name,) = [p.name for p in folder.iterdir() if not p.name.startswith(".")]
    return name


def test_a_file_is_downloaded_whole_under_its_name(tmp_path: Path, downloader: Downloader) -> None:
    target = tmp_path / "deep" / "weights.pth"
    with serve(Served(WEIGHTS)) as url:
        downloader.fetch(f"{url}/weights.pth", target, hashlib.sha256(WEIGHTS).hexdigest())
    assert target.read_bytes() == WEIGHTS
    assert only_file(target.parent) == "weights.pth"


def test_what_is_there_is_not_asked_for_again(tmp_path: Path, downloader: Downloader) -> None:
    target = tmp_path / "weights.pth"
    target.write_bytes(b"mine")
    served = Served(WEIGHTS)
    with serve(served) as url:
        downloader.fetch(f"{url}/weights.pth", target)
    assert target.read_bytes() == b"mine"
    assert served.ranges == []


def test_a_cut_transfer_goes_on_where_it_stopped(
    tmp_path: Path, downloader: Downloader, sleep: FakeSleep
) -> None:
    served = Served(WEIGHTS, cut_after=[1_000_000, 500_000])
    target = tmp_path / "weights.pth"
    with serve(served) as url:
        downloader.fetch(f"{url}/weights.pth", target)
    assert target.read_bytes() == WEIGHTS
    first, second, third = (int((r or "bytes=0-")[6:-1]) for r in served.ranges)
    assert first == 0
    assert 900_000 < second <= 1_000_000
    assert 1_300_000 < third <= 1_500_000
    assert sleep.pauses == [1.0, 2.0]


def test_a_later_process_goes_on_too(tmp_path: Path, sleep: FakeSleep) -> None:
    served = Served(WEIGHTS, cut_after=[1_000_000])
    target = tmp_path / "weights.pth"
    with serve(served) as url:
        with pytest.raises(DownloadError, match="curl -fL"):
            Downloader(attempts=1, sleep=sleep).fetch(f"{url}/weights.pth", target)
        assert not target.exists()
        Downloader(attempts=1, sleep=sleep).fetch(f"{url}/weights.pth", target)
    assert target.read_bytes() == WEIGHTS
    assert served.ranges == [None, "bytes=983040-"]  # 15 chunks of 64 KiB had come whole


def test_a_file_that_changed_meanwhile_is_fetched_from_its_beginning(
    tmp_path: Path, sleep: FakeSleep
) -> None:
    served = Served(WEIGHTS, cut_after=[1_000_000])
    target = tmp_path / "weights.pth"
    with serve(served) as url:
        with pytest.raises(DownloadError):
            Downloader(attempts=1, sleep=sleep).fetch(f"{url}/weights.pth", target)
        served.content, served.etag = zip_of(os.urandom(2_000_000)), '"v2"'
        Downloader(attempts=1, sleep=sleep).fetch(f"{url}/weights.pth", target)
    assert target.read_bytes() == served.content


class KilledPath(type(Path())):  # type: ignore[misc]  # a concrete path of this system
    """A path at whose every write of bytes the process is killed."""

    def write_bytes(self, data: bytes) -> int:
        raise KeyboardInterrupt


def test_a_process_killed_as_a_changed_file_begins_leaves_nothing_to_resume(
    tmp_path: Path,
) -> None:
    url = "https://example.org/weights.pth"
    (tmp_path / "w.part").write_bytes(b"the old file's head")
    (tmp_path / "w.part.json").write_text(json.dumps({"url": url, "validator": '"v1"'}))
    changed = requests.Response()
    changed.headers["ETag"] = '"v2"'
    with pytest.raises(KeyboardInterrupt):
        Partial(KilledPath(tmp_path / "w.part")).begin(url, changed)
    assert Partial(tmp_path / "w.part").resumable(url) == (0, "")


def test_a_server_without_ranges_or_tags_is_asked_from_the_beginning(
    tmp_path: Path, downloader: Downloader
) -> None:
    for name, served in {
        "no-range": Served(WEIGHTS, cut_after=[1000], honour_range=False),
        "no-etag": Served(WEIGHTS, cut_after=[1000], etag=""),
    }.items():
        with serve(served) as url:
            downloader.fetch(f"{url}/{name}.pth", tmp_path / name)
        assert (tmp_path / name).read_bytes() == WEIGHTS


def test_a_transient_status_is_tried_again(
    tmp_path: Path, downloader: Downloader, sleep: FakeSleep
) -> None:
    with serve(Served(WEIGHTS, statuses=[500, 503, 429])) as url:
        downloader.fetch(f"{url}/weights.pth", tmp_path / "weights.pth")
    assert sleep.pauses == [1.0, 2.0, 4.0]


@pytest.mark.parametrize(
    ("served", "told", "tries"),
    [
        (Served(WEIGHTS, statuses=[404]), "HTTP status 404", 1),
        (Served(WEIGHTS, statuses=[403]), "HTTP status 403", 1),
        (Served(WEIGHTS, statuses=[500] * 9), "HTTP status 500 .*after 4 attempts", 4),
        (Served(b"<!doctype html>", content_type="text/html; charset=utf-8"), "a web page", 1),
        (Served(b"<!doctype html>"), "does not serve weights", 1),
        (Served(b""), "does not serve weights", 1),
        (Served(WEIGHTS, extra_length=10), "after 4 attempts", 4),
        (Served(WEIGHTS, cut_after=[0] * 9), "after 4 attempts", 4),
    ],
)
def test_what_cannot_be_downloaded_leaves_no_file(
    tmp_path: Path, downloader: Downloader, served: Served, told: str, tries: int
) -> None:
    target = tmp_path / "weights.pth"
    with serve(served) as url, pytest.raises(DownloadError, match=told):
        downloader.fetch(f"{url}/weights.pth", target)
    assert not target.exists()
    assert len(served.ranges) == tries


def test_a_cut_that_looks_like_the_end_is_noticed(tmp_path: Path, downloader: Downloader) -> None:
    safetensors = save({"a": np.zeros(1000, np.float32)})
    for name, whole in (("a.pth", WEIGHTS), ("a.safetensors", safetensors)):
        served = Served(whole[: len(whole) // 2], tell_length=False)
        with serve(served) as url, pytest.raises(DownloadError, match="was cut"):
            downloader.fetch(f"{url}/{name}", tmp_path / name)
        assert not (tmp_path / name).exists()
        with serve(Served(whole, tell_length=False)) as url:
            downloader.fetch(f"{url}/{name}", tmp_path / name)
        assert (tmp_path / name).read_bytes() == whole


def test_a_transfer_that_was_complete_but_not_renamed_is_not_repeated(
    tmp_path: Path, downloader: Downloader
) -> None:
    served = Served(WEIGHTS)
    target = tmp_path / "weights.pth"
    with serve(served) as url:
        (tmp_path / "weights.pth.part").write_bytes(WEIGHTS)
        note = {"url": f"{url}/weights.pth", "validator": served.etag}
        (tmp_path / "weights.pth.part.json").write_text(json.dumps(note))
        downloader.fetch(f"{url}/weights.pth", target)
    assert target.read_bytes() == WEIGHTS
    assert served.ranges == [f"bytes={len(WEIGHTS)}-"]


def test_the_curl_line_is_quoted_for_the_shell() -> None:
    line = curl_line("https://example.org/$(x)'.pth", Path("/home/o'brien/my models/x.pth"))
    words = shlex.split(line)
    assert words[:2] == ["mkdir", "-p"]
    assert words[2] == "/home/o'brien/my models"
    assert words[-3:] == ["https://example.org/$(x)'.pth", "-o", "/home/o'brien/my models/x.pth"]


def test_a_wrong_digest_is_refused_and_nothing_is_kept(
    tmp_path: Path, downloader: Downloader
) -> None:
    with serve(Served(WEIGHTS)) as url, pytest.raises(DownloadError, match=r"SHA-256 \w+, expect"):
        downloader.fetch(f"{url}/weights.pth", tmp_path / "weights.pth", "0" * 64)
    assert [p.name for p in tmp_path.iterdir()] == [".weights.pth.lock"]


@pytest.mark.parametrize("tell_length", [True, False])
@pytest.mark.parametrize("cut_after", [[], [1_000_000]])
def test_another_length_than_the_released_files_is_refused(
    tmp_path: Path, downloader: Downloader, tell_length: bool, cut_after: list[int | None]
) -> None:
    served = Served(WEIGHTS, tell_length=tell_length, cut_after=list(cut_after))
    target = tmp_path / "weights.pth"
    told = f"has (1000000|{len(WEIGHTS)}) bytes, expected 17"
    with serve(served) as url, pytest.raises(DownloadError, match=told):
        downloader.fetch(f"{url}/weights.pth", target, size_bytes=17)
    assert [p.name for p in tmp_path.iterdir()] == [".weights.pth.lock"]
    with serve(Served(WEIGHTS, tell_length=tell_length, cut_after=[1_000_000])) as url:
        downloader.fetch(f"{url}/weights.pth", target, size_bytes=len(WEIGHTS))
    assert target.read_bytes() == WEIGHTS


def test_no_network_is_told_with_the_line_to_run(tmp_path: Path, downloader: Downloader) -> None:
    url = "http://127.0.0.1:9/weights.pth"
    with pytest.raises(DownloadError, match=rf"curl -fL {url} -o {tmp_path}/w.pth"):
        downloader.fetch(url, tmp_path / "w.pth")


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path, downloader: Downloader) -> None:
    (tmp_path / "file").touch()
    with (
        serve(Served(WEIGHTS)) as url,
        pytest.raises(
            CheckpointError, match=r"cannot write the model cache .* VIZION3D_MODEL_CACHE"
        ),
    ):
        downloader.fetch(f"{url}/weights.pth", tmp_path / "file" / "cache" / "weights.pth")


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/weights.pth",
        "http://127.0.0.1.example.org/weights.pth",
        "ftp://example.org/weights.pth",
        "file:///etc/passwd.pth",
        "https:///weights.pth",
    ],
)
def test_only_https_is_downloaded(url: str) -> None:
    with pytest.raises(DownloadError, match="over https only"):
        require_secure(url)


@pytest.mark.parametrize(
    "url", ["https://example.org/w.pth", "http://localhost:1/w.pth", "http://[::1]/w.pth"]
)
def test_https_and_loopback_are_allowed(url: str) -> None:
    require_secure(url)


def test_a_redirect_to_plain_http_is_refused_before_it_is_followed(
    tmp_path: Path, downloader: Downloader
) -> None:
    served = Served(statuses=[302], location="http://example.org/weights.pth")
    with serve(served) as url, pytest.raises(DownloadError, match="over https only"):
        downloader.fetch(f"{url}/weights.pth", tmp_path / "weights.pth")


def test_a_redirect_is_followed(tmp_path: Path, downloader: Downloader) -> None:
    served = Served(WEIGHTS, statuses=[302], location="/elsewhere.pth")
    with serve(served) as url:
        downloader.fetch(f"{url}/weights.pth", tmp_path / "weights.pth")
    assert (tmp_path / "weights.pth").read_bytes() == WEIGHTS


def _fetch(url: str, target: Path) -> None:
    Downloader().fetch(url, target)


@pytest.mark.process
def test_two_processes_make_one_transfer(tmp_path: Path) -> None:
    served = Served(WEIGHTS, delay_s=0.5)
    target = tmp_path / "weights.pth"
    context = multiprocessing.get_context("spawn")
    with serve(served) as url:
        processes = [
            context.Process(target=_fetch, args=(f"{url}/weights.pth", target)) for _ in range(2)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    assert target.read_bytes() == WEIGHTS
    assert len(served.ranges) == 1
