"""What stays, comes back and is compared: reload, history, link, photos, models, phone."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support import photos
from tests.web.conftest import Visit
from tests.web.test_page import changed, pixels
from vizion3d.lifting import DepthEstimation, DepthEstimationCommand

Open = Callable[..., Visit]
DEPTH = "/lifting/depth-estimation"
SHOWN = "body[data-state=ready]"


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("three")
    photo = Image.fromarray(photos.coffee()).resize((300, 200))
    paths = [folder / f"{name}.png" for name in ("first", "second", "third")]
    for turn, path in zip((0, 90, 180), paths, strict=True):
        photo.rotate(turn, expand=True).save(path)
    return paths


def wait_for(shown: Visit, selector: str, text: str) -> None:
    shown.page.wait_for_selector(f"{selector}:has-text('{text}')")


def test_a_reload_brings_back_photo_settings_and_depth_without_the_server(
    visit: Open, photo: Path
) -> None:
    shown = visit().open()
    shown.give(photo)
    shown.change("fov", 90)
    shown.change("colour_map", "viridis")
    shown.give(photo)  # keeps the settings beside the photo, once more
    before = pixels(shown, "#compare")
    shown.posts.clear()
    shown.page.reload()
    shown.page.wait_for_selector(SHOWN)
    wait_for(shown, "#status", "as it was")
    shown.settle()
    assert not shown.posts
    assert shown.page.input_value("[name=fov]") == "90"
    assert shown.page.input_value("[name=camera]") == "fov"
    assert changed(before, pixels(shown, "#compare")) == 0
    assert shown.page.locator("#history-list button").count() == 1
    # Another tab begins with an empty page, and with the settings.
    other = shown.page.context.new_page()
    other.goto(shown.origin)
    other.wait_for_selector("#history-list button")
    assert other.locator("#cloud").is_hidden()
    assert other.input_value("[name=fov]") == "90"


def test_several_photos_are_worked_through_and_each_can_be_looked_at_again(
    visit: Open, three: list[Path]
) -> None:
    shown = visit().open()
    shown.page.set_input_files("#file", three)
    wait_for(shown, "#status", "3 of 3: third.png: 300 × 200 px")
    shown.settle()
    assert shown.posts == [DEPTH] * 3
    labels = shown.page.locator("#history-list button").evaluate_all("all => all.map(b => b.title)")
    assert labels == ["third.png", "second.png", "first.png"]
    shown.page.click("#history-list button[title='second.png']")
    wait_for(shown, "#status", "second.png, as it was")
    assert "of 60,000 pixels" in shown.page.inner_text("#cloud-note")
    size = shown.page.evaluate(
        "[document.getElementById('depth').width, document.getElementById('depth').height]"
    )
    assert size == [200, 300]
    assert shown.posts == [DEPTH] * 3
    shown.page.click("#forget")
    shown.page.wait_for_selector("#history", state="hidden")
    shown.page.reload()
    shown.page.wait_for_selector("#model option", state="attached")
    assert shown.page.locator("#cloud").is_hidden()


def test_one_bad_photo_among_several_does_not_stop_the_others(
    visit: Open, three: list[Path], tmp_path: Path
) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no image")
    shown = visit().open()
    shown.expected.append("status of 400")
    shown.page.set_input_files("#file", [three[0], bad, three[2]])
    wait_for(shown, "#status", "3 of 3: third.png")
    assert "is not an image" in shown.page.inner_text("#alert")


def test_a_link_carries_the_settings(visit: Open) -> None:
    shown = visit().open()
    shown.change("depth_trunc", 25)
    shown.change("camera", "realsense-d435")
    shown.change("input_size", 112)
    shown.page.evaluate("document.getElementById('link').click()")
    shown.page.wait_for_function("document.getElementById('link').textContent === 'Link copied'")
    link = shown.page.evaluate("navigator.clipboard.readText()")
    assert link.startswith(f"{shown.origin}/#")
    elsewhere = visit()
    elsewhere.page.goto(f"{link}&edge_threshold=much&model_backend=%2Fetc%2Fpasswd")
    elsewhere.page.wait_for_selector("#model option", state="attached")
    elsewhere.page.wait_for_function("location.hash === ''")
    values = {
        name: elsewhere.page.input_value(f"[name={name}]")
        for name in ("depth_trunc", "camera", "input_size", "edge_threshold", "model_backend")
    }
    assert values == {
        "depth_trunc": "25",
        "camera": "realsense-d435",
        "input_size": "112",
        "edge_threshold": "0.04",
        "model_backend": "nano",
    }


def test_two_models_stand_side_by_side(visit: Open, photo: Path) -> None:
    shown = visit().open()
    shown.give(photo)
    half = pixels(shown, "#compare").shape[1] // 2
    names = shown.page.locator("#beside option").evaluate_all("all => all.map(o => o.value)")
    metric = next(name for name in names if "metric" in name)
    before = pixels(shown, "#compare")
    shown.page.select_option("#beside", metric)
    shown.page.wait_for_selector("#beside-depth", state="visible")
    after = pixels(shown, "#compare")
    assert changed(before[:, : half - 4], after[:, : half - 4]) > 0.5
    assert changed(before[:, half + 4 :], after[:, half + 4 :]) < 0.01  # the corners
    command = DepthEstimationCommand(photo, metric, input_size=56)
    depth = DepthEstimation().run(command).raw_depth
    shown.page.focus("#depth")
    shown.page.keyboard.press("ArrowRight")
    told = shown.page.inner_text("#readout").rpartition(": ")[2]
    assert float(told) == pytest.approx(depth[100, 151], rel=1e-3)
    shown.page.select_option("#beside", "")
    assert changed(before, pixels(shown, "#compare")) < 0.03  # but for the cursor


def test_two_models_clouds_turn_together(visit: Open, photo: Path, tmp_path: Path) -> None:
    shown = visit().open()
    shown.give(photo)
    names = shown.page.locator("#beside option").evaluate_all("all => all.map(o => o.value)")
    metric = next(name for name in names if "metric" in name)
    alone = pixels(shown, "#cloud")
    shown.page.select_option("#beside", metric)
    shown.page.wait_for_selector("#panes", state="visible")
    labels = shown.page.locator("#panes span").all_inner_texts()
    assert ["nano" in labels[0], "metric" in labels[1]] == [True, True]
    assert shown.page.locator("#panes span").count() == 2
    shown.settle()
    both = pixels(shown, "#cloud")
    half = both.shape[1] // 2
    assert changed(both[:, :half], both[:, half : 2 * half]) > 0.05, "the same cloud twice"
    shown.page.focus("#cloud")
    for _ in range(5):
        shown.page.keyboard.press("ArrowRight")
    shown.settle()
    turned = pixels(shown, "#cloud")
    for part in (slice(0, half), slice(half, None)):
        assert changed(both[:, part], turned[:, part]) > 0.05
    shown.page.screenshot(path=tmp_path / "beside.png")
    shown.page.select_option("#beside", "")
    shown.page.wait_for_selector("#panes", state="hidden")
    shown.settle()
    assert changed(alone, pixels(shown, "#cloud")) < 0.03


def test_on_a_phone_the_cloud_comes_first_then_the_downloads(visit: Open, photo: Path) -> None:
    shown = visit(viewport={"width": 390, "height": 844}, has_touch=True).open()
    shown.give(photo)
    order = ("stage", "downloads", "depth", "intake", "settings", "code")
    boxes = [shown.page.locator(f".card.{name}").bounding_box() for name in order]
    tops = [box["y"] for box in boxes if box]
    assert len(tops) == len(order)
    assert tops == sorted(tops)
    assert all(box["width"] <= 390 for box in boxes if box)
    view = shown.page.locator("#view").bounding_box()
    assert view is not None
    assert view["y"] + view["height"] < 844  # all of the cloud is seen without scrolling
    assert len(np.unique(pixels(shown, "#view").reshape(-1, 3), axis=0)) > 100
