import sys
from pathlib import Path

import numpy as np
import pytest

from vizion3d.errors import MissingDependencyError
from vizion3d.geometry.cameras import CameraIntrinsics
from vizion3d.geometry.frames import Frame
from vizion3d.outputs.open3d_objects import require_open3d, to_image, to_point_cloud
from vizion3d.outputs.points import to_points


@pytest.mark.parametrize("frame", ["opencv", "opengl"])
def test_the_cloud_is_our_own_points(frame: Frame) -> None:
    rng = np.random.default_rng(0)
    depth_m = rng.uniform(-5, 12, (30, 40)).astype(np.float32).clip(0)
    rgb = rng.integers(0, 256, (30, 40, 3), np.uint8)
    camera = CameraIntrinsics(31.5, 33.0, 17.2, 16.1, 40, 30)
    cloud = to_point_cloud(depth_m, rgb, camera, frame)
    points = np.asarray(cloud.points)
    colors = np.rint(np.asarray(cloud.colors) * 255)
    expected = to_points(depth_m, rgb, camera, frame)
    assert 100 < len(points) < 1200
    np.testing.assert_allclose(points, expected[0], rtol=1e-6, atol=1e-6)
    assert np.array_equal(colors, expected[1])


def test_an_image_keeps_its_pixels_also_of_a_view() -> None:
    pixels = np.arange(24, dtype=np.uint16).reshape(4, 6)
    assert np.array_equal(np.asarray(to_image(pixels[:, ::2])), pixels[:, ::2])


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise OSError('libusb-1.0.so.0: cannot open shared object file')", "libusb-1.0.so.0"),
        ("raise ModuleNotFoundError('No module named open3d')", "No module named open3d"),
    ],
)
def test_an_open3d_that_cannot_be_imported_is_told_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, reason: str
) -> None:
    (tmp_path / "open3d.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    for name in [n for n in sys.modules if n == "open3d" or n.startswith("open3d.")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(MissingDependencyError, match=reason) as refused:
        require_open3d()
    assert "apt-get install libusb-1.0-0 libgl1 libegl1 libgomp1" in str(refused.value)
