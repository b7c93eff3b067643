from pathlib import Path

import pytest

from tests.support.fakes import touch
from vizion3d.checkpoints.catalogue import RELEASES, Release, is_permissive
from vizion3d.checkpoints.download import Downloader
from vizion3d.checkpoints.licences import LicencePolicy
from vizion3d.checkpoints.store import CheckpointStore
from vizion3d.errors import InvalidConfigError, LicenceError
from vizion3d.settings import load_settings

REFUSED = [release for release in RELEASES if not is_permissive(release.licence)]
ACCEPTED = [release for release in RELEASES if is_permissive(release.licence)]


class AskedError(Exception):
    """The downloader was asked."""


class RaisingDownloader(Downloader):
    def fetch(self, *_: object, **__: object) -> None:
        raise AskedError


def permissive(cache: Path, *told: str) -> CheckpointStore:
    policy = LicencePolicy(permissive_only=True, told=told)
    return CheckpointStore(cache, RaisingDownloader(), licences=policy)


def name_of(release: Release) -> str:
    return release.name


@pytest.mark.parametrize("release", REFUSED, ids=name_of)
@pytest.mark.parametrize("by", ["name", "url"])
def test_what_forbids_commercial_use_is_refused_before_it_is_downloaded(
    release: Release, by: str, tmp_path: Path
) -> None:
    with pytest.raises(LicenceError, match=r"licensed CC-BY-NC-4\.0.*VIZION3D_LICENCES=permissive"):
        permissive(tmp_path).fetch(str(getattr(release, by)))


@pytest.mark.parametrize("release", ACCEPTED, ids=name_of)
def test_what_allows_it_is_fetched(release: Release, tmp_path: Path) -> None:
    store = permissive(tmp_path)
    if release.url is None:
        assert store.fetch(release.name).is_file()
    else:
        with pytest.raises(AskedError):
            store.fetch(release.name)


def test_a_cached_file_is_refused_by_its_path_too(tmp_path: Path) -> None:
    store = permissive(tmp_path)
    path = touch(store.locate("large"))
    with pytest.raises(LicenceError, match=r"CC-BY-NC-4\.0"):
        store.fetch(str(path))
    assert CheckpointStore(tmp_path).fetch(str(path)) == path


def test_the_error_names_the_nearest_that_may_be_used(tmp_path: Path) -> None:
    with pytest.raises(LicenceError) as refused:
        permissive(tmp_path).fetch("large")
    told = str(refused.value)
    assert (
        "permissive ones near its size: da3mono-large (334 M weights, Apache-2.0), da3-base" in told
    )
    assert "las2" not in told
    with pytest.raises(LicenceError, match="near its size: da3metric-large"):
        permissive(tmp_path).fetch("metric-indoor-large")


def test_an_unknown_file_needs_to_be_told(tmp_path: Path) -> None:
    path = touch(tmp_path / "mine.pth")
    with pytest.raises(LicenceError, match=r"licence of .*mine\.pth is not known.*--licence-of"):
        permissive(tmp_path).fetch(str(path))
    assert permissive(tmp_path, f"{path}=MIT").fetch(str(path)) == path
    relative = path.parent / "x" / ".." / "mine.pth"
    assert permissive(tmp_path, f"{relative}=Apache-2.0").fetch(str(path)) == path
    with pytest.raises(LicenceError, match="not known"):
        permissive(tmp_path, f"{tmp_path}/other.pth=MIT").fetch(str(path))
    with pytest.raises(LicenceError, match="not known"):
        permissive(tmp_path, f"{path}=").fetch(str(path))


def test_what_is_told_of_an_unknown_file_must_be_permissive(tmp_path: Path) -> None:
    path = touch(tmp_path / "mine.pth")
    with pytest.raises(LicenceError, match=r"licensed CC-BY-NC-4\.0"):
        permissive(tmp_path, f"{path}=CC-BY-NC-4.0").fetch(str(path))


def test_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().licences == "any"
    monkeypatch.setenv("VIZION3D_LICENCES", "permissive")
    monkeypatch.setenv("VIZION3D_LICENCE_OF", "a.pth=MIT,b=c.pth=Apache-2.0")
    settings = load_settings()
    assert settings.licences == "permissive"
    assert settings.licence_of == ("a.pth=MIT", "b=c.pth=Apache-2.0")
    monkeypatch.setenv("VIZION3D_LICENCE_OF", "a.pth")
    with pytest.raises(InvalidConfigError, match=r"'a\.pth' is not of the form FILE=SPDX"):
        load_settings()
    monkeypatch.delenv("VIZION3D_LICENCE_OF")
    monkeypatch.setenv("VIZION3D_LICENCES", "all")
    with pytest.raises(InvalidConfigError, match="licences"):
        load_settings()
