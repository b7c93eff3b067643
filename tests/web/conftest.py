"""A real browser in front of a real server.

Chromium comes from the system: ``make test`` installs it, as root or with sudo. Where it is
missing, the tests that need it are skipped.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from tests.support import photos
from tests.support.browser import CHROMIUM, MISSING, launch
from tests.support.checkpoints import save_checkpoint
from tests.support.seeds import DA3_MONO_TINY, save_depth_anything_3
from tests.support.servers import Server, running

# A camera that shows a test picture.
CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
# The window is put together at half its size; pages and their canvases keep theirs. Pages are
# painted by the CPU, not by a GPU that the CPU plays.
QUICK = ("--force-device-scale-factor=0.5", "--disable-gpu-rasterization")


@dataclass
class Visit:
    """A page in a browser of its own, and what went wrong on it.

    Attributes:
        page: Playwright's page.
        origin: Of the server.
        posts: Paths that were posted to.
        expected: Patterns of the console's errors that the test provokes.
    """

    page: Page
    origin: str
    posts: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._on_request)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(message.text)

    def _on_request(self, request: Request) -> None:
        if request.method == "POST":
            self.posts.append(request.url.removeprefix(self.origin))
        if not request.url.startswith((f"{self.origin}/", "blob:", "data:")):
            self.strays.append(request.url)

    def open(self) -> "Visit":
        self.page.goto(self.origin)
        self.page.wait_for_selector("#model option", state="attached")
        self.page.locator("[name=input_size]").evaluate("(field) => { field.value = 56; }")
        return self

    def give(self, photo: Path) -> None:
        """Hand in a photo and wait for what becomes of it."""
        self.page.set_input_files("#file", photo)
        self.settle()

    def settle(self) -> None:
        self.page.wait_for_selector("#progress", state="hidden")
        # Two frames: what was asked for is drawn in the first.
        self.page.evaluate(
            "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    def change(self, name: str, value: object) -> None:
        """Set a field of the settings as a user does who then leaves it."""
        self.page.locator(f"[name={name}]").first.evaluate(
            """(field, value) => {
                field.value = value;
                field.dispatchEvent(new Event("input", { bubbles: true }));
                field.dispatchEvent(new Event("change", { bubbles: true }));
            }""",
            str(value),
        )
        self.settle()

    def check_clean(self) -> None:
        surprises = [e for e in self.errors if not any(re.search(p, e) for p in self.expected)]
        assert not surprises
        assert not self.strays


@pytest.fixture(scope="module")  # a running browser keeps an event loop in this thread
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip(MISSING)
    with sync_playwright() as playwright:
        browser = launch(playwright, *CAMERA, *QUICK)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serves ``nano``, a metric checkpoint, and one whose metres follow the focal length; needs no
    key."""
    folder = tmp_path_factory.mktemp("served")
    metric = save_checkpoint(
        folder / "depth_anything_v2_metric_hypersim_vits.pth", max_depth_m=20.0
    )
    by_focal = save_depth_anything_3(folder / "da3metric-tiny.safetensors", DA3_MONO_TINY)
    allowed = ("--allow-model", str(metric), "--allow-model", str(by_focal))
    flags = ("--stereo_depth", "--depth_model", "nano", *allowed)
    with running("rest", folder / "log", *flags, VIZION3D_DEVICE="cpu") as server:
        yield server


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Callable[..., Visit]]:
    """Opens pages; when the test is over, none may have logged an error or left the server."""
    visits = []
    with ExitStack() as stack:

        def open_(origin: str = server.url, **options: Any) -> Visit:
            size = {"width": 1200, "height": 700}
            context = browser.new_context(**{"viewport": size, **options})
            stack.callback(context.close)
            context.grant_permissions(["camera", "clipboard-read", "clipboard-write"])
            visits.append(Visit(context.new_page(), origin))
            return visits[-1]

        yield open_
        for visited in visits:
            visited.check_clean()


@pytest.fixture(scope="module")
def kept(browser: Browser, server: Server, photo: Path) -> Iterator[Visit]:
    """One page with the photo on it, for the tests of a module that leave it as it was."""
    context = browser.new_context(viewport={"width": 1200, "height": 700})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    visited = Visit(context.new_page(), server.url).open()
    visited.give(photo)
    yield visited
    visited.check_clean()
    context.close()


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 x 200; its name needs quoting in a shell."""
    path = tmp_path_factory.mktemp("photos") / "a 'cup', 1.png"
    Image.fromarray(photos.coffee()).resize((300, 200)).save(path)
    return path
