import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.fakes import FakeDownloader
from tests.support.in_process import AsgiAdapter, Loop
from vizion3d.app import build_container
from vizion3d.checkpoints.store import CheckpointStore
from vizion3d.checkpoints.watch import Watch
from vizion3d.server.metrics import Metrics
from vizion3d.server.rest.app import create_app
from vizion3d.server.scheduler import Scheduler
from vizion3d.server.service import Service
from vizion3d.server.settings import ServerSettings
from vizion3d.settings import load_settings

WITHIN_S = 10
BASE = "http://in-process"


class HeldDownloader(FakeDownloader):
    """Reports a third of the file, and goes on when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.third, self.go = threading.Event(), threading.Event()

    def fetch(
        self,
        url: str,
        target: Path,
        sha256: str | None = None,
        size_bytes: int | None = None,
        watch: Watch | None = None,
    ) -> None:
        assert watch is not None
        watch.report(33, 99)
        self.third.set()
        assert self.go.wait(WITHIN_S)
        watch.check()
        super().fetch(url, target, sha256, size_bytes, watch)


def service(store: CheckpointStore, **settings: Any) -> Service:
    metrics = Metrics()
    told = ServerSettings(
        port=0, models={"depth_estimation": "nano"}, allow_models=("small", "base"), **settings
    )
    container = build_container(load_settings(), checkpoints=store)
    return Service(told, container, Scheduler(2, 60, metrics), metrics)


@pytest.fixture
def downloader() -> Iterator[HeldDownloader]:
    held = HeldDownloader()
    yield held
    held.go.set()


@pytest.fixture
def loop() -> Iterator[Loop]:
    running = Loop()
    yield running
    running.close()


def session(served: Service, loop: Loop) -> requests.Session:
    client = requests.Session()
    client.mount(BASE, AsgiAdapter(create_app(served), loop))
    return client


def test_a_download_begins_tells_how_far_it_is_and_ends(
    tmp_path: Path, downloader: HeldDownloader, loop: Loop
) -> None:
    client = session(service(CheckpointStore(tmp_path, downloader), downloads=True), loop)
    url = f"{BASE}/models/small/download"
    assert client.get(url).json()["state"] == "absent"
    begun = client.post(url)
    assert (begun.status_code, begun.json()["state"]) == (202, "downloading")
    assert downloader.third.wait(WITHIN_S)
    assert client.get(url).json() == {
        "name": "small",
        "state": "downloading",
        "done_bytes": 33,
        "total_bytes": 99,
        "reason": None,
        "error": None,
    }
    assert client.delete(url).json()["state"] == "absent"
    downloader.go.set()
    client.post(url)
    while client.get(url).json()["state"] == "downloading":
        pass
    assert client.get(url).json()["state"] == "here"
    assert client.post(f"{BASE}/models/nano/download").json()["state"] == "here"


def test_only_what_is_offered_is_downloaded(
    tmp_path: Path, downloader: HeldDownloader, loop: Loop
) -> None:
    client = session(service(CheckpointStore(tmp_path, downloader), downloads=True), loop)
    for name in ("large", "https://example.org/w.pth", "..%2f..%2fetc"):
        answer = client.post(f"{BASE}/models/{name}/download")
        assert answer.status_code == 403
        assert answer.headers["Content-Type"] == "application/problem+json"
    assert downloader.asked == []


def test_a_page_of_another_origin_starts_and_stops_nothing(
    tmp_path: Path, downloader: HeldDownloader, loop: Loop
) -> None:
    client = session(service(CheckpointStore(tmp_path, downloader), downloads=True), loop)
    foreign = {"Sec-Fetch-Site": "cross-site"}
    for method in ("POST", "DELETE"):
        answer = client.request(method, f"{BASE}/models/small/download", headers=foreign)
        assert answer.status_code == 403
    assert not downloader.third.is_set()


def test_a_machine_that_may_not_download_says_so(tmp_path: Path, loop: Loop) -> None:
    client = session(service(CheckpointStore(tmp_path, offline=True), downloads=True), loop)
    told = client.post(f"{BASE}/models/small/download").json()
    assert (told["state"], told["reason"]) == ("failed", "offline")
    assert "curl" in told["error"]


def test_a_server_has_these_routes_only_where_it_is_told_to(
    tmp_path: Path, downloader: HeldDownloader, loop: Loop
) -> None:
    client = session(service(CheckpointStore(tmp_path, downloader)), loop)
    assert client.post(f"{BASE}/models/small/download").status_code == 404
    assert "/models/{name}/download" not in client.get(f"{BASE}/openapi.json").json()["paths"]


def test_models_tell_whether_they_are_here_and_how_large(
    tmp_path: Path, downloader: HeldDownloader, loop: Loop
) -> None:
    client = session(service(CheckpointStore(tmp_path, downloader)), loop)
    told = {model["name"]: model for model in client.get(f"{BASE}/models").json()}
    assert told["nano"]["here"]
    assert not told["small"]["here"]
    assert told["small"]["size_bytes"] == 99_218_434
