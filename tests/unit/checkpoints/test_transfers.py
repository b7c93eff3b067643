import threading
from pathlib import Path

import pytest

from tests.support.fakes import FakeDownloader
from vizion3d.checkpoints.catalogue import BY_NAME, DEFAULT_DEPTH_MODEL_URL
from vizion3d.checkpoints.store import CheckpointStore
from vizion3d.checkpoints.transfers import FAILURE_REMEMBERED_S, Transfer, Transfers
from vizion3d.checkpoints.watch import CalledOffError, Watch
from vizion3d.checkpoints.words import announcement, without_download
from vizion3d.errors import DownloadError

URL = "https://example.org/w.pth"
WITHIN_S = 10


class SteppingDownloader(FakeDownloader):
    """Reports half a file, and goes on when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.half, self.go = threading.Event(), threading.Event()

    def fetch(
        self,
        url: str,
        target: Path,
        sha256: str | None = None,
        size_bytes: int | None = None,
        watch: Watch | None = None,
    ) -> None:
        assert watch is not None
        watch.report(50, 100)
        self.half.set()
        assert self.go.wait(WITHIN_S)
        watch.check()
        super().fetch(url, target, sha256, size_bytes, watch)


class UnreachableDownloader(FakeDownloader):
    """Reaches no server."""

    def fetch(self, url: str, *arguments: object) -> None:
        self.asked.append((url, None, None))
        raise DownloadError(f"cannot download {url}: no network", "no-network")


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_progress_is_told_while_it_downloads(tmp_path: Path) -> None:
    downloader, target = SteppingDownloader(), tmp_path / "w.pth"
    transfers = Transfers(downloader)
    assert transfers.of(target) == Transfer("absent")
    transfers.begin(URL, target, None)
    assert downloader.half.wait(WITHIN_S)
    assert transfers.of(target) == Transfer("downloading", 50, 100)
    transfers.begin(URL, target, None)  # joins the one that is under way
    downloader.go.set()
    transfers.fetch(URL, target, None)
    assert transfers.of(target) == Transfer("here", len(URL), len(URL))
    assert len(downloader.asked) == 1


def test_what_came_since_somebody_looked_is_not_downloaded_again(tmp_path: Path) -> None:
    downloader, target = SteppingDownloader(), tmp_path / "w.pth"
    target.write_bytes(b"here")
    Transfers(downloader).fetch(URL, target, None)
    assert downloader.asked == []
    assert target.read_bytes() == b"here"


def test_a_download_is_called_off_and_begun_anew(tmp_path: Path) -> None:
    downloader, target = SteppingDownloader(), tmp_path / "w.pth"
    transfers = Transfers(downloader)
    transfers.begin(URL, target, None)
    assert downloader.half.wait(WITHIN_S)
    transfers.call_off(target)
    assert transfers.of(target) == Transfer("absent")
    downloader.go.set()
    transfers.fetch(URL, target, None)
    assert transfers.of(target).state == "here"
    assert len(downloader.asked) == 1, "the first one never came to its end"


def test_who_waits_for_what_is_called_off_is_told(tmp_path: Path) -> None:
    downloader, target = SteppingDownloader(), tmp_path / "w.pth"
    transfers = Transfers(downloader)
    told: list[BaseException] = []

    def wait() -> None:
        try:
            transfers.fetch(URL, target, None)
        except DownloadError as error:
            told.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert downloader.half.wait(WITHIN_S)
    transfers.call_off(target)
    downloader.go.set()
    waiting.join(WITHIN_S)
    assert [type(error) for error in told] == [CalledOffError]
    assert transfers.of(target) == Transfer("absent"), "what was called off has not failed"


def test_a_failed_address_is_remembered_for_a_minute(tmp_path: Path) -> None:
    downloader, clock, target = UnreachableDownloader(), Clock(), tmp_path / "w.pth"
    transfers = Transfers(downloader, clock)
    for now_s, asked in ((0.0, 1), (12.0, 1), (FAILURE_REMEMBERED_S + 1, 2)):
        clock.now_s = now_s
        with pytest.raises(DownloadError, match="no network") as failed:
            transfers.fetch(URL, target, None)
        assert failed.value.reason == "no-network"
        assert ("12 s ago" in str(failed.value)) == (now_s == 12.0)
        assert len(downloader.asked) == asked
    state = transfers.of(target)
    assert state.state == "failed"
    assert state.error is not None
    assert "nano" in str(state.error)


def test_a_person_who_asks_again_is_not_held_up_by_what_failed(tmp_path: Path) -> None:
    downloader, target = UnreachableDownloader(), tmp_path / "w.pth"
    transfers = Transfers(downloader)
    for tries in (1, 2):
        transfers.begin(URL, target, None)
        with pytest.raises(DownloadError):
            transfers.fetch(URL, target, None)
        assert len(downloader.asked) == tries
    transfers.call_off(target)
    assert transfers.of(target) == Transfer("absent")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("default", "default (Depth Anything V2 vitb), about 390 MB, CC-BY-NC-4.0, no commercial "),
        ("small", "small (Depth Anything V2 vits), 99 MB, Apache-2.0"),
        ("las2-s", "las2-s (Lite Any Stereo V2 las2-s), about 24 MB, MIT"),
    ],
)
def test_size_and_licence_are_told_before_a_download(name: str, told: str) -> None:
    release = BY_NAME[name]
    assert announcement(str(release.url), release).startswith(told)


def test_what_needs_no_download_is_told_after_one_failed() -> None:
    assert "--model nano" in without_download(BY_NAME["default"])
    assert "--model sgbm" in without_download(BY_NAME["las2-s"])
    assert "nano" in without_download(None)
    assert announcement(URL, None) == f"{URL}, of unknown size and licence"


def test_the_store_begins_tells_and_calls_off(tmp_path: Path) -> None:
    downloader = SteppingDownloader()
    store = CheckpointStore(tmp_path, downloader)
    assert store.transfer("default").state == "absent"
    assert store.begin_download("default").state == "downloading"
    assert downloader.half.wait(WITHIN_S)
    assert store.call_off_download(DEFAULT_DEPTH_MODEL_URL).state == "absent"
    downloader.go.set()
    assert store.begin_download("nano").state == "here"
    with pytest.raises(DownloadError, match="OFFLINE") as refused:
        CheckpointStore(tmp_path / "other", downloader, offline=True).begin_download("small")
    assert refused.value.reason == "offline"
