"""What the page gives away opens elsewhere, and what it tells one to type works."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import open3d
import pytest
import trimesh
from PIL import Image

from tests.web.conftest import Visit
from vizion3d.geometry.depth import inverse_depth_to_metres
from vizion3d.lifting import (
    DepthEstimation,
    DepthEstimationAdvanceConfig,
    DepthEstimationCommand,
    DepthEstimationResult,
)
from vizion3d.outputs.depth_files import colorize, to_uint16

SIZE = 56  # as the tests' pages have it


@pytest.fixture
def shown(visit: Callable[..., Visit], photo: Path) -> Visit:
    opened = visit().open()
    opened.give(photo)
    return opened


@pytest.fixture(scope="module")
def expected(photo: Path) -> DepthEstimationResult:
    config = DepthEstimationAdvanceConfig(edge_threshold=0.04)
    command = DepthEstimationCommand(
        photo, "nano", return_point_cloud=True, advanced_config=config, input_size=SIZE
    )
    return DepthEstimation().run(command)


def download(shown: Visit, ending: str, folder: Path) -> Path:
    with shown.page.expect_download() as started:
        shown.page.click(f"[data-ending='{ending}']")
    path = folder / started.value.suggested_filename
    assert path.name == f"a 'cup', 1{ending}"
    started.value.save_as(path)
    return path


def count_told(shown: Visit) -> int:
    return int(shown.page.inner_text("#cloud-note").split()[0].replace(",", ""))


def test_the_16_bit_png(kept: Visit, expected: DepthEstimationResult, tmp_path: Path) -> None:
    image = Image.open(download(kept, ".depth.png", tmp_path))
    np.testing.assert_array_equal(np.asarray(image), to_uint16(expected.raw_depth))


def test_the_colour_png(kept: Visit, expected: DepthEstimationResult, tmp_path: Path) -> None:
    kept.change("colour_map", "turbo")
    image = Image.open(download(kept, ".color.png", tmp_path)).convert("RGB")
    np.testing.assert_array_equal(np.asarray(image), colorize(expected.raw_depth, "turbo"))


def test_the_npy(kept: Visit, expected: DepthEstimationResult, tmp_path: Path) -> None:
    depth = np.load(download(kept, ".npy", tmp_path))
    np.testing.assert_array_equal(depth, expected.raw_depth)


def test_the_ply_is_the_cloud_on_the_screen(
    kept: Visit, expected: DepthEstimationResult, tmp_path: Path
) -> None:
    cloud = open3d.io.read_point_cloud(download(kept, ".ply", tmp_path))
    assert len(cloud.points) == count_told(kept)
    assert expected.point_cloud is not None
    np.testing.assert_allclose(
        np.asarray(cloud.points), np.asarray(expected.point_cloud.points), rtol=1e-6
    )


def test_the_glb_follows_the_settings(
    shown: Visit, expected: DepthEstimationResult, tmp_path: Path
) -> None:
    shown.change("fov", 90)
    shown.change("depth_trunc", 6)
    shown.change("edge_threshold", 0)
    shown.change("frame", "opengl")
    (cloud,) = trimesh.load_scene(download(shown, ".glb", tmp_path)).geometry.values()
    assert len(cloud.vertices) == count_told(shown)
    x, _, z = np.asarray(cloud.vertices).T
    depth_m = inverse_depth_to_metres(expected.raw_depth, 0.5, 6)
    assert -z.min() == pytest.approx(depth_m[depth_m < 5.999].max(), rel=1e-5)
    assert -z.max() == pytest.approx(0.5, rel=1e-5)
    assert np.abs(x / z).max() == pytest.approx(149.5 / 150, rel=1e-5)


def test_the_view(kept: Visit, tmp_path: Path) -> None:
    image = Image.open(download(kept, ".view.png", tmp_path))
    assert image.size[0] == kept.page.evaluate("document.getElementById('cloud').width")
    assert np.asarray(image)[..., 3].max() == 255


def snippet(shown: Visit, language: str) -> str:
    shown.page.check(f"[name=language][value={language}]", force=True)
    return str(shown.page.inner_text("#snippet"))


@pytest.mark.parametrize(
    ("language", "camera"),
    [("curl", "matrix"), ("python", "fov"), ("python", "auto"), ("cli", "fov")],
)
def test_the_code_does_what_it_says(
    shown: Visit, photo: Path, tmp_path: Path, language: str, camera: str
) -> None:
    if camera == "fov":
        shown.change("fov", 71.5)
    if camera == "matrix":
        shown.change("camera", "matrix")
        shown.change("fx", 410.25)
    shown.change("edge_threshold", 0.02)
    shown.change("depth_trunc", 7.5)
    code = snippet(shown, language)
    shutil.copy(photo, tmp_path)
    scripts = Path(sys.executable).parent
    command = {
        "python": [sys.executable, "-c", code],
        "curl": ["bash", "-euc", code],
        "cli": ["bash", "-euc", f'PATH="{scripts}:$PATH"; {code}'],
    }[language]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    if language == "python":
        assert f"{count_told(shown)} points" in ended.stdout
        return
    folder = tmp_path / "vizion3d-output" if language == "cli" else tmp_path
    cloud = open3d.io.read_point_cloud(folder / "a 'cup', 1.ply")
    assert len(cloud.points) == count_told(shown)
    x, _, z = np.asarray(cloud.points).T
    focal_px = {"matrix": 410.25, "fov": 300 / (2 * np.tan(np.radians(71.5) / 2))}[camera]
    columns = x / z * focal_px + 149.5
    np.testing.assert_allclose(columns, np.rint(columns), atol=1e-3)
