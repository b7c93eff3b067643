"""How the web page keeps up with a million points: ``make bench-web``.

Placing the points anew (what moving a setting costs) and the rate at which the cloud turns, in
headless Chromium. WebGL runs in software here, on the CPU: a GPU draws faster.
"""

import os
import statistics
import tempfile
from pathlib import Path
from typing import Any, cast

from PIL import Image
from playwright.sync_api import ViewportSize, sync_playwright

from tests.support import photos
from tests.support.browser import launch
from tests.support.servers import running

RESULT = Path(__file__).parent / "results" / "web_page.md"
SIZE_PX = (1250, 800)
VIEW_PX = {"width": 1440, "height": 900}
REPEATS = 9

PLACE = """async (repeats) => {
  const { Samples } = await import("/ui/js/geometry.js");
  const [width, height] = [1250, 800];
  const data = Float32Array.from({ length: width * height }, (_, i) => 1 + (i % 977) / 400);
  const depth = { data, width, height, min: 1, max: 1 + 976 / 400, kind: "relative" };
  const samples = new Samples(depth, data.length);
  const positions = new Float32Array(3 * samples.count);
  const index = new Uint32Array(samples.count);
  const camera = { fx: 1000, fy: 1000, cx: 624.5, cy: 399.5 };
  return Array.from({ length: repeats }, (_, i) => {
    const start = performance.now();
    samples.place(camera, { near: 0.5 + i / 100, far: 10, edge: 0.04 }, positions, index);
    return performance.now() - start;
  });
}"""

FRAMES = """(milliseconds) => new Promise((done) => {
  const start = performance.now();
  let frames = 0;
  const count = () => {
    frames += 1;
    const elapsed = performance.now() - start;
    elapsed < milliseconds ? requestAnimationFrame(count) : done((1000 * frames) / elapsed);
  };
  requestAnimationFrame(count);
})"""


def turning_rate(page: Any) -> float:
    """Frames a second while the cloud is dragged about for three seconds."""
    box = page.locator("#cloud").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate(
        """() => {
            const canvas = document.getElementById("cloud");
            const { left, top, width, height } = canvas.getBoundingClientRect();
            const move = (now) => {
                canvas.dispatchEvent(new PointerEvent("pointermove", {
                    pointerId: 1, pointerType: "mouse", bubbles: true,
                    clientX: left + width / 2 + 100 * Math.sin(now / 300),
                    clientY: top + height / 2,
                }));
                requestAnimationFrame(move);
            };
            requestAnimationFrame(move);
        }"""
    )
    page.wait_for_timeout(1000)
    before = page.locator("#cloud").screenshot()
    rate = float(page.evaluate(FRAMES, 3000))
    assert page.locator("#cloud").screenshot() != before  # it does turn
    page.mouse.up()
    return rate


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        running("rest", Path(folder) / "log", "--depth_model", "nano") as server,
        sync_playwright() as playwright,
    ):
        photo = Path(folder) / "photo.jpg"
        Image.fromarray(photos.coffee()).resize(SIZE_PX).save(photo)
        browser = launch(playwright)
        page = browser.new_page(viewport=cast(ViewportSize, VIEW_PX))
        page.goto(server.url)
        page.wait_for_selector("#model option", state="attached")
        page.set_input_files("#file", photo)
        page.wait_for_selector("[data-state=ready]")
        page.wait_for_selector("#progress", state="hidden")
        note = page.inner_text("#cloud-note")
        placing_ms = statistics.median(page.evaluate(PLACE, REPEATS))
        rate = turning_rate(page)
        version = browser.version
        browser.close()
    RESULT.write_text(
        "# Web page, one million points\n\n"
        f"Headless Chromium {version}, WebGL in software, window {VIEW_PX['width']} x "
        f"{VIEW_PX['height']}, {os.cpu_count()} cores. While the cloud turns, a part of the points "
        "is drawn where a frame would take more than 45 ms. Reproduced by `make bench-web`.\n\n"
        "| | |\n|---|---|\n"
        f"| Placing 1,000,000 points anew, edges cut | {placing_ms:.0f} ms |\n"
        f"| Turning a cloud of {note} | {rate:.0f} frames/s |\n"
    )
    print(RESULT.read_text())


if __name__ == "__main__":
    main()
