"""The page as its users meet it: what they give, see and are told."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import FloatRect

from tests.support import photos
from tests.support.servers import running
from tests.web.conftest import Visit
from vizion3d.lifting import DepthEstimation, DepthEstimationCommand

Open = Callable[..., Visit]
DEPTH = "/lifting/depth-estimation"


def pixels(visit: Visit, selector: str) -> NDArray[np.uint8]:
    """What is on the screen there, RGB."""
    picture = Image.open(io.BytesIO(visit.page.locator(selector).screenshot()))
    return np.asarray(picture.convert("RGB"))


def box_of(visit: Visit, selector: str) -> FloatRect:
    box = visit.page.locator(selector).bounding_box()
    assert box is not None
    return box


def changed(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> float:
    """Share of the pixels that are visibly different."""
    return float((np.abs(before.astype(int) - after).max(-1) > 24).mean())


@pytest.fixture
def shown(visit: Open, photo: Path) -> Visit:
    """The page with the photo's depth and cloud on it."""
    opened = visit().open()
    opened.give(photo)
    return opened


def test_the_page_offers_models_and_samples_before_there_is_a_photo(visit: Open) -> None:
    page = visit().open().page
    assert page.title() == "vizion3d"
    assert page.locator("#model option").first.get_attribute("value") == "nano"
    assert page.locator("[data-sample]").count() == 3
    assert not page.locator("#cloud").is_visible()


def test_a_photo_becomes_depth_and_a_cloud_that_turns(shown: Visit) -> None:
    assert shown.posts == [DEPTH]
    assert "300 × 200 px" in shown.page.inner_text("#status")
    depth = pixels(shown, "#compare")
    assert len(np.unique(depth[:, depth.shape[1] // 2 :].reshape(-1, 3), axis=0)) > 100
    cloud = pixels(shown, "#view")
    shown.page.evaluate("document.getElementById('cloud').style.visibility = 'hidden'")
    background = pixels(shown, "#view")
    shown.page.evaluate("document.getElementById('cloud').style.visibility = ''")
    assert changed(background, cloud) > 0.3
    box = box_of(shown, "#cloud")
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    shown.page.mouse.move(*middle)
    shown.page.mouse.down()
    shown.page.mouse.move(middle[0] + 150, middle[1] + 40, steps=5)
    shown.page.mouse.up()
    shown.page.wait_for_timeout(500)
    turned = pixels(shown, "#view")
    assert changed(cloud, turned) > 0.1
    shown.page.click("#reset")
    shown.settle()
    assert changed(cloud, pixels(shown, "#view")) < 0.01
    assert shown.posts == [DEPTH]


def test_settings_change_the_view_and_ask_nothing_of_the_server(shown: Visit) -> None:
    before = pixels(shown, "#view")
    for name, value, least in (
        ("edge_threshold", 0, 0.001),
        ("fov", 110, 0.01),
        ("depth_near", 3, 0.01),
        ("point_size", 4, 0.01),
        ("colour_by", "depth", 0.01),
        ("frame", "opengl", 0.0001),  # the axes turn, the cloud stays
    ):
        shown.change(name, value)
        after = pixels(shown, "#view")
        assert changed(before, after) > least, name
        before = after
    assert shown.posts == [DEPTH]


def test_the_field_of_view_becomes_intrinsics_of_the_image(shown: Visit) -> None:
    assert shown.page.input_value("[name=camera]") == "auto"
    assert "primesense" in shown.page.inner_text("#camera-note")
    shown.change("fov", 90)
    assert shown.page.input_value("[name=camera]") == "fov"
    assert "fov=90 " in shown.page.inner_text("#snippet")
    shown.change("camera", "matrix")
    assert float(shown.page.input_value("[name=fx]")) == pytest.approx(150)
    assert float(shown.page.input_value("[name=cx]")) == 149.5


def test_given_intrinsics_start_from_the_server_s(shown: Visit) -> None:
    shown.change("camera", "matrix")
    assert float(shown.page.input_value("[name=cx]")) == 149.5
    assert shown.page.locator("[name=fov]").is_hidden()
    before = pixels(shown, "#view")
    shown.change("fx", 100)
    assert changed(before, pixels(shown, "#view")) > 0.01


def test_a_range_that_makes_no_sense_is_marked_and_not_drawn(shown: Visit) -> None:
    before = pixels(shown, "#view")
    shown.change("depth_near", 20)
    assert shown.page.locator("[name=depth_near]:invalid").count() == 1
    assert changed(before, pixels(shown, "#view")) == 0
    shown.change("depth_trunc", 40)
    assert shown.page.locator("[name=depth_near]:invalid").count() == 0


def test_another_input_size_asks_the_server_again(shown: Visit) -> None:
    before = pixels(shown, "#compare")
    shown.change("input_size", 112)
    assert shown.posts == [DEPTH, DEPTH]
    assert changed(before, pixels(shown, "#compare")) > 0.01


def test_colour_maps_and_the_slider_change_the_picture(shown: Visit) -> None:
    before = pixels(shown, "#compare")
    shown.change("colour_map", "viridis")
    half = before.shape[1] // 2
    viridis = pixels(shown, "#compare")
    assert changed(before[:, half + 4 :], viridis[:, half + 4 :]) > 0.5
    assert changed(before[:, : half - 4], viridis[:, : half - 4]) == 0
    shown.page.locator("#split").press("Home")
    assert changed(viridis[:, : half - 4], pixels(shown, "#compare")[:, : half - 4]) > 0.5


def test_the_legend_and_the_cursor_tell_the_true_values(kept: Visit, photo: Path) -> None:
    command = DepthEstimationCommand(photo, model_backend="nano", input_size=56)
    depth = DepthEstimation().run(command).raw_depth
    ticks = [float(item.split()[0]) for item in kept.page.locator("#ticks li").all_inner_texts()]
    assert ticks[0] == pytest.approx(depth.min(), rel=1e-3)
    assert ticks[-1] == pytest.approx(depth.max(), rel=1e-3)
    assert kept.page.locator("#ticks small").first.inner_text() == "~10 m"
    kept.page.focus("#depth")
    kept.page.keyboard.press("ArrowRight")
    kept.page.keyboard.press("Shift+ArrowDown")
    told = kept.page.inner_text("#readout")
    assert told.startswith("column 151, row 110: inverse depth ")
    assert float(told.split()[6].rstrip(",")) == pytest.approx(depth[110, 151], rel=1e-3)
    assert not kept.page.locator("#overlay .marked").get_attribute("hidden")


def test_two_points_give_a_distance_whose_scale_is_said_to_be_assumed(shown: Visit) -> None:
    shown.page.click("#measure")
    box = box_of(shown, "#cloud")
    for share in (0.4, 0.6):
        shown.page.mouse.click(box["x"] + share * box["width"], box["y"] + 0.7 * box["height"])
    shown.settle()
    told = shown.page.inner_text("#measured")
    about, number, *rest = told.split()
    assert (about, rest) == ("about", ["(assumed", "scale)"])
    assert 0.01 < float(number) < 20
    assert len(number.replace(".", "").strip("0")) <= 2
    assert shown.page.locator("#overlay .dot:not([hidden])").count() == 2
    shown.page.mouse.click(box["x"] + box["width"] - 3, box["y"] + 3)
    assert shown.page.inner_text("#measured") == "There is no point there."


def test_everything_can_be_done_with_the_keyboard(visit: Open) -> None:
    shown = visit().open()
    shown.page.focus("[data-sample='coffee.jpg']")
    shown.page.keyboard.press("Enter")
    shown.page.wait_for_selector("[data-state=ready]")
    shown.settle()
    before = pixels(shown, "#view")
    shown.page.focus("#cloud")
    for key in ("ArrowLeft", "ArrowUp", "ArrowLeft", "+", "+"):
        shown.page.keyboard.press(key)
    shown.settle()
    assert changed(before, pixels(shown, "#view")) > 0.05
    shown.page.keyboard.press("m")
    shown.page.keyboard.press("Enter")
    shown.page.keyboard.press("ArrowRight")
    shown.page.keyboard.press("Enter")
    assert "(assumed scale)" in shown.page.inner_text("#measured")


def test_the_view_fills_the_window_until_escape(kept: Visit) -> None:
    small = box_of(kept, "#view")
    kept.page.click("#wide")
    kept.settle()
    large = box_of(kept, "#view")
    assert large["width"] > 1.5 * small["width"]
    assert len(np.unique(pixels(kept, "#view").reshape(-1, 3), axis=0)) > 100
    kept.page.keyboard.press("Escape")
    kept.settle()
    assert box_of(kept, "#view") == small


def test_every_control_has_a_name(kept: Visit) -> None:
    nameless = kept.page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, [tabindex]")]
            .filter((element) => !element.getAttribute("aria-label") && !element.labels?.length
                && !element.textContent.trim())
            .map((element) => element.outerHTML)"""
    )
    assert nameless == []


def test_a_metric_checkpoint_s_metres_are_taken_as_they_are(visit: Open, tmp_path: Path) -> None:
    photo = tmp_path / "dense.png"  # of which there is a point wherever one clicks
    Image.fromarray(photos.coffee()).save(photo)
    shown = visit().open()
    shown.give(photo)
    names = shown.page.locator("#model option").evaluate_all("all => all.map((o) => o.value)")
    metric = next(name for name in names if "metric" in name)
    shown.change("model_backend", metric)
    assert shown.page.is_disabled("[name=depth_near]")
    assert shown.page.input_value("[name=depth_trunc]") == "20"  # its own range
    shown.change("model_backend", "nano")
    assert shown.page.input_value("[name=depth_trunc]") == "10"
    shown.change("model_backend", metric)
    assert shown.page.locator("#ticks small").count() == 0
    shown.change("depth_trunc", 100)
    shown.page.click("#measure")
    box = box_of(shown, "#cloud")
    for share in (0.45, 0.55):
        shown.page.mouse.click(box["x"] + share * box["width"], box["y"] + 0.5 * box["height"])
    shown.settle()
    assert shown.page.inner_text("#measured").endswith(" m")


def test_metres_that_follow_the_focal_length_follow_the_camera_that_is_set(shown: Visit) -> None:
    def ticks() -> list[float]:
        items = shown.page.locator("#ticks li").all_inner_texts()
        return [float(item.split()[0]) for item in items]

    names = shown.page.locator("#model option").evaluate_all("all => all.map((o) => o.value)")
    shown.change("model_backend", next(name for name in names if "da3metric" in name))
    before, asked = ticks(), list(shown.posts)
    assert "the focal length was not given" in shown.page.inner_text("#range-note")
    assumed_px = float(shown.page.input_value("[name=fx]"))
    shown.change("fov", 90)  # 150 pixels, of 300
    assert ticks() == pytest.approx([m * 150 / assumed_px for m in before], rel=1e-3)
    assert "the focal length" not in shown.page.inner_text("#range-note")
    shown.page.focus("#depth")
    shown.page.keyboard.press("ArrowRight")
    told = shown.page.inner_text("#readout")
    assert shown.posts == asked
    with shown.page.expect_download() as started:
        shown.page.click("[data-ending='.npy']")
    served = np.load(started.value.path())
    assert float(told.split()[4]) == pytest.approx(served[100, 151], rel=1e-3)
    assert ticks()[-1] == pytest.approx(served.max(), rel=1e-3)


def test_a_file_that_is_no_image_is_told_and_the_last_photo_stays(
    shown: Visit, tmp_path: Path
) -> None:
    bad = tmp_path / "notes.jpg"
    bad.write_bytes(b"no image at all")
    shown.expected.append("status of 400")
    shown.give(bad)
    alert = shown.page.locator("#alert")
    assert "is not an image" in alert.inner_text()
    assert "Request " in alert.inner_text()
    assert shown.page.locator("#cloud").is_visible()
    assert "cup" in shown.page.inner_text("#snippet")
    shown.page.click("#alert-close")
    assert alert.is_hidden()


def test_a_photo_that_only_the_server_reads_is_coloured_by_its_depth(
    visit: Open, tmp_path: Path
) -> None:
    path = tmp_path / "scan.tiff"
    Image.linear_gradient("L").convert("RGB").save(path)
    shown = visit().open()
    shown.give(path)
    assert "256 × 256 px" in shown.page.inner_text("#status")
    assert len(np.unique(pixels(shown, "#view").reshape(-1, 3), axis=0)) > 100


def test_a_server_that_is_gone_is_told(shown: Visit, photo: Path) -> None:
    shown.expected.append("ERR_CONNECTION_REFUSED")
    shown.page.route(f"**{DEPTH}", lambda route: route.abort("connectionrefused"))
    shown.give(photo)
    assert "cannot be reached" in shown.page.inner_text("#alert")


def test_a_request_can_be_cancelled(shown: Visit, photo: Path) -> None:
    shown.page.route(f"**{DEPTH}", lambda route: None)  # never answered
    shown.page.set_input_files("#file", photo)
    shown.page.wait_for_selector("#progress", state="visible")
    shown.page.click("#cancel")
    assert shown.page.inner_text("#status") == "Cancelled."
    assert shown.page.locator("#progress").is_hidden()
    shown.page.unroute_all(behavior="ignoreErrors")


def test_photos_can_be_pasted_and_dropped(visit: Open) -> None:
    shown = visit().open()
    for kind in ("paste", "drop"):
        shown.page.evaluate(
            """async (kind) => {
                const blob = await (await fetch("/ui/samples/coffee.jpg")).blob();
                const data = new DataTransfer();
                data.items.add(new File([blob], `${kind}.jpg`, { type: "image/jpeg" }));
                const how = { bubbles: true, cancelable: true };
                const event = kind === "paste"
                    ? new ClipboardEvent("paste", { ...how, clipboardData: data })
                    : new DragEvent("drop", { ...how, dataTransfer: data });
                document.body.dispatchEvent(event);
            }""",
            kind,
        )
        shown.page.wait_for_selector(f"#status:has-text('{kind}.jpg: 600 × 400 px')")


def test_the_camera_takes_a_photo(visit: Open) -> None:
    shown = visit().open()
    shown.page.click("#camera-open")
    shown.page.click("#camera-take:enabled")
    shown.page.wait_for_selector("[data-state=ready]")
    shown.settle()
    assert "camera.jpg" in shown.page.inner_text("#status")


def test_a_million_points_are_one_cloud(visit: Open, tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    Image.effect_mandelbrot((1250, 800), (-2, -1, 1, 1), 40).convert("RGB").save(path)
    shown = visit().open()
    shown.page.locator("[name=edge_threshold]").evaluate("(field) => { field.value = 0; }")
    shown.give(path)
    assert "of 1,000,000 pixels" in shown.page.inner_text("#cloud-note")
    assert "one of every" not in shown.page.inner_text("#cloud-note")
    count = int(shown.page.inner_text("#cloud-note").split()[0].replace(",", ""))
    assert count > 990_000  # all but the farthest
    shown.change("budget", 250_000)
    assert "one of every 2 × 2 pixels" in shown.page.inner_text("#cloud-note")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_every_width_in_both_schemes(visit: Open, photo: Path, scheme: str) -> None:
    shown = visit(color_scheme=scheme).open()
    shown.give(photo)
    for width in (340, 800, 1600):
        shown.page.set_viewport_size({"width": width, "height": 800})
        scrolls = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not shown.page.evaluate(scrolls), width
    ground = shown.page.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(int(part) for part in ground.strip("rgb()").split(",")) / 3
    assert (brightness > 128) == (scheme == "light")


def test_the_chosen_scheme_is_kept(visit: Open) -> None:
    shown = visit(color_scheme="light").open()
    shown.page.select_option("#theme", "dark")
    shown.open()
    assert shown.page.evaluate("getComputedStyle(document.body).colorScheme") == "dark"


def test_the_code_can_be_copied(kept: Visit) -> None:
    kept.page.check("[name=language][value=python]", force=True)
    kept.page.click("#copy")
    kept.page.wait_for_selector("text=Copied")
    copied = kept.page.evaluate("navigator.clipboard.readText()")
    assert copied == kept.page.inner_text("#snippet")


def test_a_server_with_keys_asks_for_one_and_says_when_it_is_wrong(
    visit: Open, photo: Path, tmp_path: Path
) -> None:
    keys = tmp_path / "keys"
    keys.write_text("a-right-key-of-some-length\n")
    flags = ("--depth_model", "nano", "--api-key-file", str(keys))
    with running("rest", tmp_path / "log", *flags) as server:
        shown = visit(server.url)
        shown.expected.append("status of 401")
        shown.page.goto(server.url)
        for key, next_note in (("wrong", "did not take"), ("a-right-key-of-some-length", None)):
            shown.page.fill("#key-value", key)
            shown.page.click("text=Use this key")
            if next_note:
                shown.page.wait_for_selector(f"#key-note:has-text('{next_note}')")
        shown.page.wait_for_selector("#model option", state="attached")
        shown.give(photo)
        assert "300 × 200 px" in shown.page.inner_text("#status")
        assert "$VIZION3D_API_KEY" in shown.page.inner_text("#snippet")
        assert "a-right-key" not in shown.page.content()
