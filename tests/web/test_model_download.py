"""A model that is not on the server yet: its facts, its download in sight, and calling that off."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.checkpoints import save_checkpoint
from tests.support.http_server import Served, serve
from tests.support.servers import Server, free_port, running
from tests.web.conftest import Visit

Open = Callable[..., Visit]


@pytest.fixture
def source(tmp_path: Path) -> Iterator[tuple[Served, str]]:
    """A model's address, whose second half waits to be let go."""
    content = save_checkpoint(tmp_path / "depth_anything_v2_vits.pth").read_bytes()
    served = Served(content, halfway=threading.Event())
    with serve(served) as url:
        yield served, f"{url}/depth_anything_v2_vits.pth"
        assert served.halfway
        served.halfway.set()


@pytest.fixture
def offering(source: tuple[Served, str], tmp_path: Path) -> Iterator[tuple[Server, str]]:
    """A server that offers that model and one at an address where nobody listens; the latter."""
    gone = f"http://127.0.0.1:{free_port()}/depth_anything_v2_vitb.pth"
    flags = (
        "--depth_model",
        "nano",
        "--downloads",
        "--allow-model",
        source[1],
        "--allow-model",
        gone,
    )
    cache = str(tmp_path / "cache")
    with running("rest", tmp_path / "log", *flags, VIZION3D_MODEL_CACHE=cache) as server:
        yield server, gone


def told(shown: Visit, selector: str, text: str) -> None:
    shown.page.wait_for_selector(f"{selector}:has-text('{text}')", timeout=60_000)


def test_a_model_is_downloaded_in_sight_called_off_and_then_used(
    visit: Open, source: tuple[Served, str], offering: tuple[Server, str], photo: Path
) -> None:
    (served, url), (server, gone) = source, offering
    shown = visit(server.url).open()
    assert shown.page.input_value("#model") == "nano"
    options = shown.page.locator("#model option").all_inner_texts()
    assert options[0].startswith("nano · here")
    assert options[1].startswith("depth_anything_v2_vits.pth · download")
    shown.give(photo)

    shown.page.select_option("#model", url)
    told(shown, "#download-note", "Until it is here, nano is used.")
    shown.page.click("#download-start")
    half_mb = round(len(served.content) / 2e6) or 1
    told(shown, "#download-told", f"{half_mb} MB of ")
    assert 0.3 < shown.page.evaluate("document.getElementById('download-bar').position") < 0.7
    shown.page.click("#download-stop")
    assert shown.page.input_value("#model") == "nano"
    assert shown.page.locator("#download").is_hidden()

    # nano is still there to work with, and the download can be begun again.
    shown.change("input_size", 70)
    assert served.halfway
    served.halfway.set()
    asked = len(shown.posts)
    shown.page.select_option("#model", url)
    shown.page.click("#download-start")
    shown.page.wait_for_selector("#download", state="hidden", timeout=60_000)
    told(shown, "#status", "300 × 200 px")
    shown.settle()
    assert shown.page.input_value("#model") == url
    assert shown.posts[-1] == "/lifting/depth-estimation"
    assert len(shown.posts) == asked + 2  # the download's beginning, and the photo
    assert f"model_backend={url}" in shown.page.inner_text("#snippet")

    # One that cannot be had: the cause, and the model before it.
    shown.page.select_option("#model", gone)
    shown.page.click("#download-start")
    told(shown, "#alert-title", "depth_anything_v2_vitb.pth could not be downloaded")
    alert = shown.page.inner_text("#alert")
    assert "could not reach the internet" in alert
    assert "depth_anything_v2_vits.pth stays in use" in alert
    assert shown.page.input_value("#model") == url


def test_a_server_without_downloads_fetches_the_model_when_it_is_asked_for(
    visit: Open, server: Server
) -> None:
    shown = visit().open()
    begun = shown.page.evaluate(
        """async () => {
          const { Api } = await import("/ui/js/api.js");
          return new Api(async () => null).beginDownload("nano");
        }"""
    )
    assert begun is None
    shown.expected.append("status of 404")
