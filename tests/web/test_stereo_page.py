"""The page of two photos, as its users meet it."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support import stereo_scenes as scenes
from tests.web.conftest import Visit
from vizion3d.stereo import StereoDepth, StereoDepthAdvancedConfig, StereoDepthCommand

Open = Callable[..., Visit]
ROUTE = "/lifting/stereo-depth"
PAIR = scenes.render_pair(scenes.TWO)


def open_page(visit: Open) -> Visit:
    opened = visit()
    opened.page.goto(f"{opened.origin}/ui/stereo.html")
    opened.page.wait_for_selector("#downloads button", state="attached")
    return opened


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name, image in (("left", PAIR.left), ("right", PAIR.right)):
        Image.fromarray(image).save(tmp_path / f"{name}.png")
    (tmp_path / "calib.txt").write_text(
        "cam0=[400 0 159.5; 0 400 119.5; 0 0 1]\ncam1=[400 0 159.5; 0 400 119.5; 0 0 1]\n"
        "doffs=0\nbaseline=100\nwidth=320\nheight=240\n"
    )
    return tmp_path


def give(opened: Visit, photos: Path, *names: str) -> None:
    for name in names:
        ending = "txt" if name == "calib" else "png"
        place = "calibration" if name == "calib" else name
        opened.page.set_input_files(f"#{place}", photos / f"{name}.{ending}")
    opened.page.wait_for_selector("body[data-state=ready]")
    opened.settle()


def test_one_goes_there_from_the_first_page(visit: Open) -> None:
    page = visit().open().page
    page.get_by_text("Two photos: metres").click()
    page.wait_for_selector("#measure-pair")
    assert page.title() == "vizion3d: two photos"


def test_two_photos_and_a_calibration_become_metres(visit: Open, photos: Path) -> None:
    opened = open_page(visit)
    give(opened, photos, "calib", "left", "right")
    assert opened.posts == [ROUTE]  # metres, and the left photo as it was matched
    page = opened.page
    assert "320 × 240 px" in page.inner_text("#status")
    assert page.locator("#notes li").count() == 0
    assert "points, in metres" in page.inner_text("#cloud-note")
    box = page.locator("#depth").bounding_box()
    assert box is not None
    row, column = 120, 250
    page.mouse.move(
        box["x"] + (column + 0.5) / 320 * box["width"], box["y"] + (row + 0.5) / 240 * box["height"]
    )
    told = page.inner_text("#readout")
    assert f"column {column}, row {row}" in told
    metres = float(told.split(": ")[1].removesuffix(" m"))
    assert metres == pytest.approx(PAIR.depth_m[row, column], rel=0.01)


def test_two_clicks_measure_true_metres(visit: Open, photos: Path) -> None:
    opened = open_page(visit)
    give(opened, photos, "calib", "left", "right")
    page = opened.page
    page.click("#measure")
    box = page.locator("#cloud").bounding_box()
    assert box is not None
    for share in (0.75, 0.85):
        page.mouse.click(box["x"] + share * box["width"], box["y"] + 0.5 * box["height"])
    told = page.inner_text("#measured")
    assert told.endswith(" m")
    assert 0.05 < float(told.removesuffix(" m")) < 3
    assert "relative" not in told


def test_the_sample_is_measured(visit: Open) -> None:
    opened = open_page(visit)
    opened.page.click("#sample")
    opened.page.wait_for_selector("body[data-state=ready]")
    opened.settle()
    assert "741 × 500 px" in opened.page.inner_text("#status")


KEEP_MEASURED = """
    const dispatch = EventTarget.prototype.dispatchEvent;
    EventTarget.prototype.dispatchEvent = function (event) {
        if (event.type === "measure") window.measured = event.detail;
        return dispatch.call(this, event);
    };
"""
DROP = """async (names) => {
    const data = new DataTransfer();
    for (const name of names) {
        const blob = await (await fetch(`/ui/samples/${name}`)).blob();
        data.items.add(new File([blob], name, { type: blob.type }));
    }
    document.body.dispatchEvent(
        new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: data }));
}"""


def test_a_pair_is_dropped_in_with_its_calibration_measured_and_downloaded(visit: Open) -> None:
    opened = visit()
    page = opened.page
    page.add_init_script(KEEP_MEASURED)
    page.goto(f"{opened.origin}/ui/stereo.html")
    page.wait_for_selector("#downloads button", state="attached")
    page.evaluate(DROP, [f"motorcycle_{part}" for part in ("left.jpg", "right.jpg", "calib.txt")])
    page.wait_for_selector("body[data-state=ready]")
    opened.settle()
    assert opened.posts == [ROUTE]
    assert page.locator("#notes li").count() == 0
    assert "motorcycle_calib.txt" in page.inner_text("#snippet")

    page.click("#measure")
    box = page.locator("#cloud").bounding_box()
    assert box is not None
    for x, y in ((0.42, 0.55), (0.6, 0.6)):
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
    told_m = float(page.inner_text("#measured").removesuffix(" m"))
    scene = scenes.motorcycle()
    focal_px, (cx, cy) = scene.config.focal_length, (scene.config.cx, scene.config.cy)
    points = []
    for column, row in page.evaluate("window.measured.pixels"):
        shift_px = scene.disparity[row, column] + scene.config.doffs
        z_m = focal_px * scene.config.baseline / 1000 / shift_px
        points.append(np.array([(column - cx) / focal_px, (row - cy) / focal_px, 1]) * z_m)
    true_m = float(np.linalg.norm(points[0] - points[1]))
    assert 0.2 < true_m < 3
    assert told_m == pytest.approx(true_m, rel=0.02)

    with page.expect_download() as waiting:
        page.click("#downloads button[data-ending='.ply']")
    ply = Path(waiting.value.path()).read_bytes()
    assert waiting.value.suggested_filename == "motorcycle_left.ply"
    count = int(ply[: ply.index(b"end_header")].split(b"element vertex ")[1].split()[0])
    assert count > 200_000


def test_what_is_downloaded_is_what_the_library_gives(visit: Open, photos: Path) -> None:
    opened = open_page(visit)
    give(opened, photos, "calib", "left", "right")
    with opened.page.expect_download() as waiting:
        opened.page.click("#downloads button[data-ending='.npy']")
    depth = np.load(io.BytesIO(Path(waiting.value.path()).read_bytes()))
    config = StereoDepthAdvancedConfig.from_calibration(photos / "calib.txt")
    command = StereoDepthCommand(photos / "left.png", photos / "right.png", advanced_config=config)
    np.testing.assert_array_equal(depth, StereoDepth().run(command).depth_m)


def test_assumptions_and_errors_are_told(visit: Open, photos: Path) -> None:
    opened = open_page(visit)
    give(opened, photos, "left", "right")
    assert "focal_length was not given" in opened.page.inner_text("#notes")
    opened.expected.append("400")
    opened.page.click("#swap")
    opened.page.wait_for_selector("#alert", state="visible")
    assert "swapped" in opened.page.inner_text("#alert-detail")


@pytest.mark.parametrize("language", ["curl", "python", "cli"])
def test_the_request_as_code(visit: Open, photos: Path, language: str) -> None:
    opened = open_page(visit)
    give(opened, photos, "calib", "left", "right")
    opened.page.locator(f"input[value={language}]").check(force=True)
    code = opened.page.inner_text("#snippet")
    for part in ("left.png", "right.png", "calib.txt"):
        assert part in code
    if language == "python":
        compile(code, "snippet", "exec")
