import hashlib
import json
import logging
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.support.checkpoints import TINY, save_checkpoint
from tests.support.fakes import FakeDownloader
from vizion3d.checkpoints.catalogue import (
    BY_NAME,
    DEFAULT_DEPTH_MODEL_URL,
    RELEASES,
)
from vizion3d.checkpoints.licences import forget_notices
from vizion3d.checkpoints.store import CheckpointStore
from vizion3d.core.scope import Scope, within
from vizion3d.errors import CheckpointError, DeadlineExceededError, DownloadError
from vizion3d.networks.base import Meaning, Output
from vizion3d.networks.depth_anything_v2.network import DepthAnythingV2Network


class SlowDownloader(FakeDownloader):
    """Downloads when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def fetch(self, url: str, target: Path, *_: object) -> None:
        assert self.go.wait(10)
        super().fetch(url, target)


@pytest.fixture
def downloader() -> FakeDownloader:
    return FakeDownloader()


@pytest.fixture
def store(tmp_path: Path, downloader: FakeDownloader) -> CheckpointStore:
    return CheckpointStore(tmp_path / "cache", downloader)


def test_the_default_lies_directly_in_the_cache(
    tmp_path: Path, store: CheckpointStore, downloader: FakeDownloader
) -> None:
    expected = tmp_path / "cache" / "depth_anything_v2_vitb.pth"
    assert store.fetch(DEFAULT_DEPTH_MODEL_URL) == expected
    assert store.fetch("default") == expected
    assert downloader.asked == [(DEFAULT_DEPTH_MODEL_URL, None, None)]


def test_addresses_with_the_same_file_name_do_not_collide(store: CheckpointStore) -> None:
    backends = [
        "default",
        "base",
        "https://example.org/a/depth_anything_v2_vitb.pth",
        "https://example.org/b/depth_anything_v2_vitb.pth",
    ]
    paths = [store.fetch(backend) for backend in backends]
    assert len(set(paths)) == 4
    assert {path.name for path in paths} == {"depth_anything_v2_vitb.pth"}
    assert store.cached_files() == sorted(paths)


def test_the_packages_own_model_needs_no_download(downloader: FakeDownloader) -> None:
    store = CheckpointStore(Path("/nowhere"), downloader, offline=True)
    checkpoint = store.resolve("nano")
    assert checkpoint.path.is_file()
    assert checkpoint.path.stat().st_size < 14e6
    assert checkpoint.depth == (Output("depth", Meaning.INVERSE_DEPTH), "relative")
    assert store.locate("nano") == checkpoint.path
    assert downloader.asked == []


def test_a_known_digest_and_length_are_asked_for(
    store: CheckpointStore, downloader: FakeDownloader
) -> None:
    store.fetch("small")
    small = BY_NAME["small"]
    assert downloader.asked == [(small.url, small.sha256, small.size_bytes)]


def test_every_official_release_has_its_digest_and_length() -> None:
    official = [r for r in RELEASES if "/depth-anything/Depth-Anything-V2" in str(r.url)]
    assert len(official) == 9
    assert len({r.sha256 for r in official}) == 9
    for release in official:
        assert len(bytes.fromhex(release.sha256 or "")) == 32
        # float32 weights, and what the archive adds.
        assert 0 < (release.size_bytes or 0) - 4 * release.parameters < 200_000


def test_a_query_string_is_no_part_of_the_name(store: CheckpointStore) -> None:
    path = store.locate("https://example.org/w%20x.safetensors?download=true")
    assert path.name == "w x.safetensors"


def test_a_local_path_is_never_downloaded(
    tmp_path: Path, store: CheckpointStore, downloader: FakeDownloader
) -> None:
    path = tmp_path / "mine.pt"
    path.touch()
    assert store.fetch(str(path)) == path
    with pytest.raises(CheckpointError, match=r"no checkpoint file at .*/other.pth"):
        store.fetch(str(tmp_path / "other.pth"))
    assert downloader.asked == []


@pytest.mark.parametrize(
    ("backend", "told"),
    [
        ("smal", "'smal' is not a model. Did you mean 'small'?"),
        ("", "'' is not a model. Give a name"),
        ("depth-anything/Depth-Anything-V2-Small-hf", "the same weights are 'small' here"),
        ("Depth-Anything-V2-Metric-Outdoor-Base-hf", "are 'metric-outdoor-base' here"),
        ("/etc/passwd", "'/etc/passwd' is not a model"),
        ("https://example.org/weights.zip", "must end in .pth, .pt, .safetensors"),
        ("https://example.org/", "must end in .pth, .pt, .safetensors"),
        ("a\0.pth", "contains a NUL"),
        ("x" * 300 + ".pth", "is no URL or path: .*too long"),
        ("~nosuchuser/x.pth", "is no URL or path"),
        ("https://[x/w.pth", "is no URL or path"),
        ("https://example.org/" + "x" * 300 + ".pth", "longer than 200"),
        (Path("a.pth"), "as a string; got PosixPath"),
        (None, "as a string; got NoneType"),
    ],
)
def test_what_is_no_model_is_told(store: CheckpointStore, backend: Any, told: str) -> None:
    with pytest.raises(CheckpointError, match=told):
        store.fetch(backend)


def test_plain_http_is_refused(store: CheckpointStore, downloader: FakeDownloader) -> None:
    with pytest.raises(DownloadError, match="over https only"):
        store.fetch("http://example.org/weights.pth")
    assert downloader.asked == []


def test_offline_refuses_with_the_line_to_run_and_still_finds_what_is_there(
    tmp_path: Path, downloader: FakeDownloader
) -> None:
    store = CheckpointStore(tmp_path, downloader, offline=True)
    target = tmp_path / "depth_anything_v2_vitb.pth"
    line = f"mkdir -p {tmp_path} && curl -fL {DEFAULT_DEPTH_MODEL_URL} -o {target}"
    with pytest.raises(DownloadError) as refused:
        store.fetch("default")
    assert str(refused.value).splitlines()[1].strip() == line
    assert "--model nano" in str(refused.value)
    target.touch()
    assert store.fetch("default") == target
    assert downloader.asked == []


def range_of(store: CheckpointStore, backend: str) -> float | None:
    """Range of the network that is read, which is metric if it has one."""
    network = store.resolve(backend).network
    assert isinstance(network, DepthAnythingV2Network)
    return network.max_depth_m


def test_metric_checkpoints_are_known_by_name_and_by_file_name(
    tmp_path: Path, store: CheckpointStore
) -> None:
    for name, range_m in (("metric-indoor-small", 20), ("metric-outdoor-large", 80)):
        save_checkpoint(store.locate(name))
        assert range_of(store, name) == range_m
    official = save_checkpoint(tmp_path / "depth_anything_v2_metric_hypersim_vitb.pth")
    depth = store.resolve(str(official)).depth
    assert depth == (Output("depth", Meaning.METRES, 20.0), "metric")
    other = save_checkpoint(tmp_path / "mine.pth")
    depth = store.resolve(str(other)).depth
    assert depth == (Output("depth", Meaning.INVERSE_DEPTH), "relative")


def test_a_note_beside_a_checkpoint_says_what_it_is(tmp_path: Path, store: CheckpointStore) -> None:
    path = save_checkpoint(tmp_path / "mine.pth")
    note = tmp_path / "mine.pth.json"
    note.write_text(json.dumps({"depth_kind": "metric", "max_depth_m": 35}))
    assert range_of(store, str(path)) == 35
    note.write_text(json.dumps({"depth_kind": "relative"}))
    assert range_of(store, str(path)) is None


def test_a_file_is_read_again_only_when_it_has_changed(
    tmp_path: Path, store: CheckpointStore
) -> None:
    path = save_checkpoint(tmp_path / "mine.safetensors")
    first = store.read(path)
    assert first.checkpoint.network.variant == "vit-64x4"
    assert store.read(path) is first
    save_checkpoint(path, replace(TINY, depth=5))
    assert store.read(path).checkpoint.network.variant == "vit-64x5"


def test_strange_files_are_told_with_the_networks_that_were_tried(
    tmp_path: Path, store: CheckpointStore
) -> None:
    path = tmp_path / "linear.pth"
    torch.save(torch.nn.Linear(2, 2).state_dict(), path)
    with pytest.raises(
        CheckpointError,
        match=r"linear.pth is not a Depth Anything V2 checkpoint: it lacks the tensors "
        r"pretrained.cls_token, .*\(it has bias, weight\)",
    ):
        store.resolve(str(path))


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"[]",
        b"{}",
        b'{"depth_kind": "metric"}',
        b'{"depth_kind": "metric", "max_depth_m": 0}',
        b'{"depth_kind": "metric", "max_depth_m": true}',
        b'{"depth_kind": "metric", "max_depth_m": 1' + b"0" * 400 + b"}",
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_a_note_that_makes_no_sense_is_told(
    tmp_path: Path, store: CheckpointStore, note: bytes
) -> None:
    path = tmp_path / "mine.pth"
    path.touch()
    (tmp_path / "mine.pth.json").write_bytes(note)
    with pytest.raises(CheckpointError, match=r"must hold .*max_depth_m"):
        store.resolve(str(path))


def test_a_cache_that_cannot_be_written_still_gives_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "depth_anything_v2_vitb.pth"
    path.touch()
    tmp_path.chmod(0o500)
    try:
        assert CheckpointStore(tmp_path).fetch("default") == path
        assert [p.name for p in tmp_path.iterdir()] == [path.name], "no lock, no note"
    finally:
        tmp_path.chmod(0o700)


def test_each_licence_is_told_once(
    store: CheckpointStore, caplog: pytest.LogCaptureFixture
) -> None:
    forget_notices()
    with caplog.at_level(logging.INFO, logger="vizion3d.checkpoints.licences"):
        for name in ("default", "base", "small", "large"):
            store.fetch(name)
    told = [r.getMessage() for r in caplog.records if r.name == "vizion3d.checkpoints.licences"]
    assert told == [
        "the weights default are licensed CC-BY-NC-4.0 (no commercial use)",
        "the weights small are licensed Apache-2.0",
    ]


def test_the_catalogue() -> None:
    assert len({release.source for release in RELEASES}) == len(RELEASES) == len(BY_NAME)
    urls = [release.url for release in RELEASES if release.name != "nano"]
    assert all(url and url.startswith("https://") for url in urls)
    free = {r.name for r in RELEASES if r.licence == "Apache-2.0"}
    assert free == {
        "nano",
        "small",
        "metric-indoor-small",
        "metric-outdoor-small",
        "da3-small",
        "da3-base",
        "da3mono-large",
        "da3metric-large",
    }
    assert {r.name for r in RELEASES if r.licence == "MIT"} == {f"las2-{size}" for size in "smlh"}
    assert all(release.licence_source.startswith("https://") for release in RELEASES)
    assert hashlib.sha256(b"").digest_size * 2 == len(str(BY_NAME["small"].sha256))


def test_the_catalogues_parameter_counts_are_the_networks() -> None:
    from vizion3d.networks.depth_anything_v2.config import NetworkConfig
    from vizion3d.networks.depth_anything_v2.model import DepthAnythingV2
    from vizion3d.networks.nano.config import LITE2, NanoConfig
    from vizion3d.networks.nano.model import Nano

    sizes = {
        "vits": NetworkConfig(384, 12, 64, (48, 96, 192, 384)),
        "vitb": NetworkConfig(768, 12, 128, (96, 192, 384, 768)),
        "vitl": NetworkConfig(1024, 24, 256, (256, 512, 1024, 1024)),
    }
    releases = [release for release in RELEASES if release.network == "Depth Anything V2"]
    assert len(releases) == 10
    with torch.device("meta"):
        own = Nano(NanoConfig(LITE2))
    assert sum(p.numel() for p in own.parameters()) == BY_NAME["nano"].parameters
    for release in releases:
        with torch.device("meta"):
            network = DepthAnythingV2(sizes[release.variant])
        assert sum(p.numel() for p in network.parameters()) == release.parameters


def test_a_download_outlives_the_request_that_began_it(tmp_path: Path) -> None:
    downloader = SlowDownloader()
    store = CheckpointStore(tmp_path, downloader)
    for _ in range(3):
        with pytest.raises(DeadlineExceededError), within(Scope(0.01)):
            store.fetch("small")
    downloader.go.set()
    assert store.fetch("small").is_file()
    assert len(downloader.asked) == 1
