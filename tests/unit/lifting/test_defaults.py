import hashlib
from pathlib import Path

import pytest

from tests.support.checkpoints import save_checkpoint
from tests.support.http_server import Served, serve
from vizion3d.errors import DownloadError
from vizion3d.lifting import defaults


def test_the_default_model_and_its_file() -> None:
    assert defaults.DEFAULT_DEPTH_MODEL_URL.endswith("/" + defaults.DEFAULT_DEPTH_MODEL_FILENAME)
    assert defaults.DEFAULT_DEPTH_MODEL_FILENAME == "depth_anything_v2_vitb.pth"


def test_the_cache_is_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIZION3D_MODEL_CACHE", str(tmp_path))
    assert defaults.default_model_cache_dir() == tmp_path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://example.org/w.pth", True),
        ("http://example.org/w.pth", True),
        ("ftp://example.org/w.pth", False),
        ("https:///w.pth", False),
        ("/models/w.pth", False),
        ("small", False),
    ],
)
def test_addresses(text: str, expected: bool) -> None:
    assert defaults.is_url(text) is expected


def test_an_address_is_downloaded_and_a_path_is_kept(tmp_path: Path) -> None:
    content = save_checkpoint(tmp_path / "tiny.pth").read_bytes()
    with serve(Served(content)) as url:
        path = defaults.resolve_model_backend(f"{url}/mine.pth", tmp_path / "cache")
        assert path == str(defaults.download_model(f"{url}/mine.pth", tmp_path / "cache"))
    assert Path(path).is_relative_to(tmp_path / "cache")
    assert hashlib.sha256(Path(path).read_bytes()).digest() == hashlib.sha256(content).digest()
    assert defaults.resolve_model_backend("/models/w.pth") == "/models/w.pth"


def test_offline_nothing_is_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIZION3D_OFFLINE", "1")
    with pytest.raises(DownloadError, match="VIZION3D_OFFLINE is set"):
        defaults.download_model("https://example.org/w.pth", tmp_path)
