"""True metres on the page: what is told of picked points is fitted, and holds everywhere."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.web.conftest import Visit
from tests.web.test_downloads import SIZE, download, snippet
from vizion3d.lifting import DepthEstimation, DepthEstimationAdvanceConfig, DepthEstimationCommand

Open = Callable[..., Visit]
PLACES = ((0.45, 0.75), (0.6, 0.45))


@pytest.fixture
def measuring(visit: Open, photo: Path) -> Visit:
    shown = visit().open()
    shown.page.locator("[name=edge_threshold]").evaluate("(field) => { field.value = 0; }")
    shown.give(photo)
    shown.page.click("#measure")
    return shown


def pick(shown: Visit, *places: tuple[float, float]) -> None:
    view = shown.page.locator("#cloud").bounding_box()
    assert view is not None
    for right, down in places:
        x, y = view["x"] + right * view["width"], view["y"] + down * view["height"]
        shown.page.mouse.click(x, y)
    shown.settle()


def tell(shown: Visit, metres: float) -> None:
    shown.page.fill("#known-metres", str(metres))
    shown.page.keyboard.press("Enter")
    shown.settle()


def rows(shown: Visit, field: str) -> list[list[float]]:
    """The rows of ``points`` or ``distances`` in the request that can be copied."""
    line = next(part for part in snippet(shown, "curl").splitlines() if f"{field}=" in part)
    text = line.partition("=")[2].rstrip(" \\").rstrip("'")
    return [[float(number) for number in row.split(",")] for row in text.split(";")]


def test_two_points_with_their_distances_put_everything_into_metres(
    measuring: Visit, photo: Path, tmp_path: Path
) -> None:
    pick(measuring, PLACES[0])
    assert "distance from the camera" in measuring.page.inner_text("#known-label")
    tell(measuring, 0.4)
    assert "One value is known" in measuring.page.inner_text("#known-note")
    pick(measuring, PLACES[1])
    tell(measuring, 0.9)
    assert "2 of 2 known values fit" in measuring.page.inner_text("#known-note")
    told = rows(measuring, "points")
    assert [row[2] for row in told] == [0.4, 0.9]
    command = DepthEstimationCommand(
        photo,
        "nano",
        advanced_config=DepthEstimationAdvanceConfig(camera="auto"),
        input_size=SIZE,
    )
    expected = DepthEstimation().align(command, points=told).depth_m
    np.testing.assert_array_equal(np.load(download(measuring, ".npy", tmp_path)), expected)
    ticks = measuring.page.locator("#ticks li").all_inner_texts()
    assert ticks[-1].endswith(" m")  # the closest is the brightest
    assert float(ticks[-1].split()[0]) == pytest.approx(expected.min(), rel=1e-3)
    measuring.page.focus("#depth")
    measuring.page.keyboard.press("ArrowRight")
    read = measuring.page.inner_text("#readout").rpartition(": ")[2]
    assert float(read.removesuffix(" m")) == pytest.approx(expected[100, 151], rel=1e-3)
    assert "by what you told" in measuring.page.inner_text("#legend-note")
    assert "--known" in snippet(measuring, "cli")
    assert "points=[(" in snippet(measuring, "python")
    # What is taken back is forgotten, and a new photo begins without metres.
    measuring.page.locator("#known-list button").first.click()
    measuring.settle()
    assert len(rows(measuring, "points")) == 1
    measuring.give(photo)
    assert measuring.page.locator("#known-note").is_hidden()
    assert "~10 m" in measuring.page.inner_text("#ticks")


def test_a_length_that_is_told_is_the_length_that_is_measured_after_it(
    measuring: Visit, photo: Path, tmp_path: Path
) -> None:
    pick(measuring, *PLACES)
    assert "(assumed scale)" in measuring.page.inner_text("#measured")
    assert "true length" in measuring.page.inner_text("#known-label")
    tell(measuring, 0.25)
    ((u1, v1, u2, v2, metres),) = rows(measuring, "distances")
    assert metres == 0.25
    depth = np.load(download(measuring, ".npy", tmp_path))
    fx, fy, cx, cy = (
        float(measuring.page.locator(f"[name={name}]").input_value())
        for name in ("fx", "fy", "cx", "cy")
    )
    ends = [
        depth[int(v), int(u)] * np.array([(u - cx) / fx, (v - cy) / fy, 1])
        for u, v in ((u1, v1), (u2, v2))
    ]
    assert np.linalg.norm(ends[0] - ends[1]) == pytest.approx(0.25, rel=1e-3)
    # Another camera makes another length of the same pixels: it is fitted anew.
    asked = len(measuring.posts)
    measuring.change("fov", 90)
    assert len(measuring.posts) == asked + 1
    assert "fov=90" in snippet(measuring, "curl")


def test_what_contradicts_the_photo_is_told(measuring: Visit) -> None:
    measuring.expected.append("status of 4")
    pick(measuring, PLACES[0])
    tell(measuring, 5)
    pick(measuring, PLACES[1])
    tell(measuring, 0.5)
    assert "closer pixels are farther" in measuring.page.inner_text("#alert")
