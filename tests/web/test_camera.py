"""The page's camera: what it reads of EXIF data, and the points that follow, are the library's."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from tests.support import photos
from tests.web.conftest import Visit
from tests.web.test_downloads import SIZE, download
from tests.web.test_geometry import PLACE
from vizion3d.geometry.cameras import EXIF_IFD, PRESETS
from vizion3d.lifting import (
    DepthEstimation,
    DepthEstimationAdvanceConfig,
    DepthEstimationCommand,
)
from vizion3d.media.images import read_header

Open = Callable[..., Visit]

FOCALS = """async (files) => {
  const { readExif, focalFromExif } = await import("/ui/js/exif.js");
  return Promise.all(files.map(async ({ content, width, height }) => {
    const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
    const exif = await readExif(new Blob([bytes]));
    return exif && focalFromExif(exif, width, height);
  }));
}"""

PLANE: dict[int, Any] = {0x920A: IFDRational(43, 10), 0xA20E: IFDRational(72992, 10), 0xA210: 3}
TAGS: dict[str, dict[int, Any]] = {
    "35 mm": {0xA405: 26},
    "35 mm wins": {0xA405: 50, **PLANE},
    "focal plane": {**PLANE, 0xA002: 600, 0xA003: 400},
    "focal plane, width": {**PLANE, 0xA002: 1200},
    "inches": {0x920A: IFDRational(5), 0xA20E: IFDRational(5000)},
    "zero": {0xA405: 0, 0x920A: IFDRational(0, 1)},
    "nothing": {},
}


def with_exif(path: Path, tags: dict[int, Any], orientation: int = 1) -> Path:
    exif = Image.Exif()
    exif[0x0110] = "Camera of the test"
    exif[0x0112] = orientation
    exif.get_ifd(EXIF_IFD).update(tags)
    Image.fromarray(photos.coffee()).resize((300, 200)).save(path, exif=exif)
    return path


def test_the_page_reads_the_focal_length_that_the_library_reads(
    visit: Open, tmp_path: Path
) -> None:
    cases = [
        (tags, ending, turn)
        for tags in TAGS
        for ending in ("jpg", "png", "webp")
        for turn in (1, 6)
    ]
    paths = [
        with_exif(tmp_path / f"{i}.{ending}", TAGS[tags], turn)
        for i, (tags, ending, turn) in enumerate(cases)
    ]
    plain = tmp_path / "plain.png"
    Image.fromarray(photos.coffee()).save(plain)
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(paths[0].read_bytes()[:90])
    headers = [read_header(path) for path in paths]
    files = [
        {
            "content": base64.b64encode(path.read_bytes()).decode(),
            "width": 200 if turn == 6 else 300,
            "height": 300 if turn == 6 else 200,
        }
        for path, (_, _, turn) in zip(paths, cases, strict=True)
    ]
    files += [
        {**files[0], "content": base64.b64encode(p.read_bytes()).decode()} for p in (plain, cut)
    ]
    read = visit().open().page.evaluate(FOCALS, files)
    assert read[-2:] == [None, None]
    for focal_px, header, case in zip(read, headers, cases, strict=False):
        expected = header.exif_focal_px
        told = expected if expected is None else pytest.approx(expected, rel=1e-12)
        assert focal_px == told, case


def test_the_points_of_a_photo_with_exif_are_the_library_s(visit: Open, tmp_path: Path) -> None:
    photo = with_exif(tmp_path / "a 'cup', 1.jpg", TAGS["35 mm"], 6)
    config = DepthEstimationAdvanceConfig(camera="auto", edge_threshold=0.04)
    command = DepthEstimationCommand(
        photo, "nano", return_point_cloud=True, advanced_config=config, input_size=SIZE
    )
    expected = DepthEstimation().run(command)
    shown = visit().open()
    shown.give(photo)
    note = shown.page.inner_text("#camera-note")
    assert note == "From the photo's EXIF data: Camera of the test, 26 mm (35 mm equivalent)."
    camera = {
        name: float(shown.page.locator(f"[name={name}]").input_value())
        for name in ("fx", "fy", "cx", "cy")
    }
    assert camera == {name: getattr(expected.intrinsics, name) for name in camera}
    depth = np.load(download(shown, ".npy", tmp_path))
    placed = shown.page.evaluate(
        PLACE,
        {
            "npy": base64.b64encode((tmp_path / "a 'cup', 1.npy").read_bytes()).decode(),
            "kind": "relative",
            "camera": camera,
            "range": {"near": 0.5, "far": 10, "edge": 0.04},
            "budget": depth.size,
        },
    )
    points = np.array(placed["positions"], np.float32).reshape(-1, 3)[placed["index"]]
    pixel = np.array(placed["pixel"])[placed["index"]]
    assert expected.point_cloud is not None
    np.testing.assert_allclose(
        points[np.argsort(pixel)], np.asarray(expected.point_cloud.points), rtol=1e-6, atol=1e-6
    )
    told = int(shown.page.inner_text("#cloud-note").split()[0].replace(",", ""))
    assert told == len(points)


def test_presets_are_offered_and_give_the_library_s_intrinsics(visit: Open, photo: Path) -> None:
    shown = visit().open()
    shown.give(photo)
    offered = shown.page.locator("[name=camera] option").evaluate_all(
        "all => all.map(o => o.value)"
    )
    assert offered == ["auto", *PRESETS, "fov", "matrix"]
    for name in ("realsense-d455", "kinect-v2", "primesense"):
        shown.change("camera", name)
        focal_px = float(shown.page.locator("[name=fx]").input_value())
        assert focal_px == PRESETS[name].focal_for(300, 200)
        assert f"camera={name}" in shown.page.inner_text("#snippet")
