import sys
from pathlib import Path

import numpy as np
import pytest

from vizion3d.errors import MissingDependencyError
from vizion3d.lifting.outputs.open3d_objects import (
    from_point_cloud,
    require_open3d,
    to_image,
    to_point_cloud,
)


def test_points_and_colors_come_back_as_they_went() -> None:
    points = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
    colors = np.arange(21, dtype=np.uint8).reshape(7, 3) * 12
    cloud = to_point_cloud(points, colors)
    back_points, back_colors = from_point_cloud(cloud)
    assert np.array_equal(back_points, points)
    assert np.array_equal(back_colors, colors)
    assert np.asarray(cloud.colors).max() <= 1


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
