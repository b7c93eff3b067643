"""Screenshots of the web page for README and docs, of the real server: ``make screenshots``.

Chromium draws WebGL in software here, so a machine without a GPU makes the same pictures.
"""

import io
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from tests.support.browser import launch
from tests.support.servers import running

FOLDER = Path(__file__).parents[1] / "docs" / "screenshots"
QUALITY = 90


@dataclass(frozen=True)
class Shot:
    """One picture of the page.

    Attributes:
        name: Of the file.
        sample: Photo that the page is given.
        width_px: Of the window.
        height_px: Of the window.
        scheme: ``"light"`` or ``"dark"``.
        turn_px: How far the cloud is dragged, right and down.
        measured: Two places in the view, as shares of its sides.
        told_m: Known distances in metres: one after the other is told of the next of these places.
    """

    name: str
    sample: str
    width_px: int
    height_px: int
    scheme: Literal["light", "dark"]
    turn_px: tuple[int, int] = (0, 0)
    measured: tuple[tuple[float, float], ...] = ()
    told_m: tuple[float, ...] = ()


SHOTS = (
    Shot("web-light", "coffee", 1440, 860, "light", (8, 3)),
    Shot("web-dark", "pagoda", 1440, 860, "dark", (-12, 4), ((0.38, 0.45), (0.46, 0.63))),
    Shot(
        "web-metres", "coffee", 1440, 860, "light", (8, 3), ((0.35, 0.8), (0.55, 0.3)), (0.3, 0.33)
    ),
    Shot("web-phone", "coffee", 390, 844, "light"),
)


def take(browser: Browser, origin: str, shot: Shot) -> Image.Image:
    """The page as a user sees it who gave that photo."""
    page = browser.new_page(
        viewport={"width": shot.width_px, "height": shot.height_px}, color_scheme=shot.scheme
    )
    page.goto(origin)
    page.wait_for_selector("#model option", state="attached")
    page.click(f"[data-sample='{shot.sample}.jpg']")
    page.wait_for_selector("body[data-state=ready]")
    page.wait_for_selector("#progress", state="hidden")
    view = page.locator("#cloud").bounding_box()
    assert view is not None
    x, y = view["x"] + view["width"] / 2, view["y"] + view["height"] / 2
    page.mouse.move(x, y)
    if any(shot.turn_px):
        page.mouse.down()
        page.mouse.move(x + shot.turn_px[0], y + shot.turn_px[1], steps=8)
        page.mouse.up()
    if shot.measured:
        page.click("#measure")
        for i, (right, down) in enumerate(shot.measured):
            page.mouse.click(view["x"] + right * view["width"], view["y"] + down * view["height"])
            if shot.told_m:
                page.fill("#known-metres", str(shot.told_m[i]))
                page.keyboard.press("Enter")
                page.wait_for_selector("#known-note:not([hidden])")
                page.wait_for_selector("#progress", state="hidden")
    page.mouse.move(0, 0)
    page.wait_for_timeout(1000)  # the turn comes to rest
    picture = Image.open(io.BytesIO(page.screenshot()))
    page.close()
    return picture.convert("RGB")


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        running("rest", Path(folder) / "log", "--depth_model", "nano") as server,
        sync_playwright() as playwright,
    ):
        browser = launch(playwright)
        for shot in SHOTS:
            take(browser, server.url, shot).save(
                FOLDER / f"{shot.name}.webp", quality=QUALITY, method=6
            )
        browser.close()
    print(f"written: {', '.join(shot.name for shot in SHOTS)} in {FOLDER}")


if __name__ == "__main__":
    main()
