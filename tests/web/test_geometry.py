"""The browser's formulas give the library's numbers: rounded at the same places, bit for bit."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page

from tests.support.seeds import DA3_MONO_TINY
from tests.support.servers import Server
from vizion3d.checkpoints.store import Checkpoint
from vizion3d.geometry.cameras import CameraIntrinsics
from vizion3d.geometry.depth import DepthKind, depth_to_metres
from vizion3d.geometry.projection import unproject, visible
from vizion3d.lifting import DepthEstimationAdvanceConfig
from vizion3d.lifting.meaning import Understood, understand
from vizion3d.networks.depth_anything_3.network import DepthAnything3Network
from vizion3d.outputs.depth_files import colorize, encode_npy

Float32Array = NDArray[np.float32]

PLACE = """async ({ npy, kind, camera, range, budget }) => {
  const { Samples } = await import("/ui/js/geometry.js");
  const { parseNpy } = await import("/ui/js/npy.js");
  const bytes = Uint8Array.from(atob(npy), (character) => character.charCodeAt(0));
  const image = parseNpy(bytes.buffer);
  const [min, max] = [Math.min, Math.max].map((pick) => image.data.reduce((a, b) => pick(a, b)));
  const samples = new Samples({ ...image, min, max, kind }, budget);
  const positions = new Float32Array(3 * samples.count);
  const index = new Uint32Array(samples.count);
  const shown = samples.place(camera, range, positions, index);
  return {
    positions: [...positions], pixel: [...samples.pixel], index: [...index.slice(0, shown[2])],
    shown, stride: samples.stride,
  };
}"""

COLOURISE = """async ({ npy, name }) => {
  const { colourise } = await import("/ui/js/colour.js");
  const { parseNpy } = await import("/ui/js/npy.js");
  const bytes = Uint8Array.from(atob(npy), (character) => character.charCodeAt(0));
  const image = parseNpy(bytes.buffer);
  const [min, max] = [Math.min, Math.max].map((pick) => image.data.reduce((a, b) => pick(a, b)));
  return [...colourise({ ...image, min, max, kind: "relative" }, name).data];
}"""


def scene(height: int, width: int, seed: int = 0) -> Float32Array:
    """Smooth ground with things standing on it: soft slopes and sharp edges."""
    random = np.random.default_rng(seed)
    depth = np.linspace(1, 7, height)[:, None] + random.normal(0, 0.01, (height, width))
    for _ in range(6):
        top, left = random.integers(0, height), random.integers(0, width)
        depth[top : top + height // 3, left : left + width // 4] += random.uniform(-2, 3)
    return depth.astype(np.float32)


def encoded(depth: Float32Array) -> str:
    return base64.b64encode(encode_npy(depth)).decode()


@pytest.fixture(scope="module")
def page(browser: Browser, server: Server) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    page.goto(server.url)
    yield page
    context.close()


CASES = [
    pytest.param(scene(48, 64), "relative", 0.5, 10.0, 0.04, id="relative"),
    pytest.param(scene(33, 47, 1), "relative", 0.3, 6.5, 0.0, id="edges kept"),
    pytest.param(scene(33, 47, 2), "relative", 0.013, 881.0, 0.1, id="wide range"),
    pytest.param(scene(47, 33, 3), "metric", 0.5, 5.0, 0.04, id="metric"),
    pytest.param(scene(47, 33, 3) + 0.1, "up_to_scale", 0.5, 5.0, 0.04, id="up to scale"),
    pytest.param(scene(20, 1560, 4), "relative", 0.5, 10.0, 0.04, id="wide"),
    pytest.param(np.full((5, 7), 3, np.float32), "relative", 0.5, 10.0, 0.04, id="flat"),
    pytest.param(np.full((1, 1), 3, np.float32), "relative", 0.5, 10.0, 0.04, id="one pixel"),
    pytest.param(np.zeros((4, 4), np.float32), "metric", 0.5, 10.0, 0.04, id="nothing in front"),
]


@pytest.mark.parametrize(("depth", "kind", "near", "far", "edge"), CASES)
def test_the_same_points_as_the_library(
    page: Page, depth: Float32Array, kind: DepthKind, near: float, far: float, edge: float
) -> None:
    height, width = depth.shape
    k = CameraIntrinsics(525.3, 519.7, width / 2 + 0.7, height / 2 - 0.2, width, height)
    placed = page.evaluate(
        PLACE,
        {
            "npy": encoded(depth),
            "kind": kind,
            "camera": {"fx": k.fx, "fy": k.fy, "cx": k.cx, "cy": k.cy},
            "range": {"near": near, "far": far, "edge": edge},
            "budget": depth.size,
        },
    )
    depth_m = depth_to_metres(depth, kind, near, far)
    kept = visible(depth_m, far, edge or None)
    pixel = np.array(placed["pixel"], np.intp)
    assert sorted(pixel) == list(range(depth.size))
    shown = pixel[np.array(placed["index"], np.intp)]
    assert sorted(shown) == list(np.flatnonzero(kept))
    points = np.array(placed["positions"], np.float32).reshape(-1, 3)
    np.testing.assert_array_equal(points, unproject(depth_m, k).reshape(-1, 3)[pixel])


@pytest.mark.parametrize(("height", "width"), [(400, 600), (777, 1023), (90, 61)])
def test_metres_for_another_camera_are_those_that_the_library_gives_it(
    page: Page, height: int, width: int
) -> None:
    network = DepthAnything3Network(DA3_MONO_TINY, metric=True)
    size = network.recipe.network_size(height, width)
    maps = {name: np.full((height, width), 0.01, np.float32) for name in ("depth", "sky")}
    checkpoint = Checkpoint(Path("da3metric.pth"), network)

    def understood(**camera: float) -> Understood:
        return understand(maps, checkpoint, DepthEstimationAdvanceConfig(**camera), size)

    served = understood(fx=700.0, fy=690.0)
    camera = {"fx": 450.0, "fy": 610.0}
    factor = page.evaluate(
        """async ([camera, served, focal]) => {
            const { metresFactor } = await import("/ui/js/geometry.js");
            return [metresFactor(camera, served, focal), metresFactor(camera, served, null)];
        }""",
        [camera, {"fx": served.intrinsics.fx, "fy": served.intrinsics.fy}, served.focal_px],
    )
    scaled = served.depth[0, 0] * factor[0]
    assert scaled == pytest.approx(understood(**camera).depth[0, 0], rel=1e-6)
    assert factor[1] == 1


def test_a_radius_of_the_edges_that_grows_with_the_image(page: Page) -> None:
    depth = scene(1036, 1040, 5)
    placed = page.evaluate(
        PLACE,
        {
            "npy": encoded(depth),
            "kind": "relative",
            "camera": {"fx": 900, "fy": 900, "cx": 500, "cy": 500},
            "range": {"near": 0.5, "far": 10, "edge": 0.04},
            "budget": 20_000,
        },
    )
    stride = placed["stride"]
    assert stride == 8  # 1036 x 1040 / 20000 = 53.9, so every 8th column and row
    kept = visible(depth_to_metres(depth, "relative", 0.5, 10), 10, 0.04)
    on_grid = np.zeros_like(kept)
    on_grid[::stride, ::stride] = True
    shown = np.array(placed["pixel"])[placed["index"]]
    assert sorted(shown) == list(np.flatnonzero(kept & on_grid))


def test_the_first_points_are_a_coarse_cloud(page: Page) -> None:
    placed = page.evaluate(
        PLACE,
        {
            "npy": encoded(scene(40, 40)),
            "kind": "metric",
            "camera": {"fx": 500, "fy": 500, "cx": 20, "cy": 20},
            "range": {"near": 0.5, "far": 1000, "edge": 0},
            "budget": 1600,
        },
    )
    rows, columns = np.divmod(np.array(placed["pixel"])[placed["index"]], 40)
    assert placed["shown"] == [100, 400, 1600]
    assert all(rows[:100] % 4 == 0)
    assert all(columns[:100] % 4 == 0)
    assert all(rows[:400] % 2 == 0)
    assert all(columns[:400] % 2 == 0)


@pytest.mark.parametrize("name", ["inferno", "turbo", "gray"])
def test_the_same_colours_as_the_library(page: Page, name: str) -> None:
    depth = scene(31, 57, 6)
    colours = page.evaluate(COLOURISE, {"npy": encoded(depth), "name": name})
    rgba = np.array(colours, np.uint8).reshape(*depth.shape, 4)
    np.testing.assert_array_equal(rgba[..., :3], colorize(depth, name))


@pytest.mark.parametrize(
    "array", [np.zeros((2, 3)), np.zeros((2, 3), ">f4"), np.zeros((2, 3, 1), np.float32)]
)
def test_another_array_is_refused(page: Page, array: NDArray[Any]) -> None:
    with pytest.raises(Exception, match="not a float32 image"):
        page.evaluate(PLACE, {"npy": encoded(array)})
