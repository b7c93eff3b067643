import io
import json
from typing import Any

import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray
from PIL import Image

from tests.support.fakes import GivenLifted
from vizion3d.outputs.formats import FORMATS, by_media_type, pick

LIFTED = GivenLifted()


def encoded(name: str) -> bytes:
    (row,) = pick([name])
    return row.encode(LIFTED)


@pytest.mark.parametrize(
    ("name", "pixels"),
    [
        ("png", LIFTED.gray),
        ("color", LIFTED.colored),
        ("metric-png", np.full((6, 8), 1500, np.uint16)),
    ],
)
def test_images_hold_their_pixels(name: str, pixels: NDArray[Any]) -> None:
    read = np.asarray(Image.open(io.BytesIO(encoded(name))))
    assert np.array_equal(read, pixels)


def test_array_files_hold_their_arrays() -> None:
    assert np.array_equal(np.load(io.BytesIO(encoded("npy"))), LIFTED.depth)
    with np.load(io.BytesIO(encoded("npz"))) as arrays:
        assert set(arrays) == {"depth", "other"}
        assert np.array_equal(arrays["other"], LIFTED.depth_m)


def test_clouds_hold_their_points() -> None:
    points, colors = LIFTED.points
    for name in ("ply", "glb"):
        scene = trimesh.load_scene(io.BytesIO(encoded(name)), file_type=name)
        (cloud,) = scene.geometry.values()
        assert isinstance(cloud, trimesh.PointCloud)
        # glTF is y up and z towards the viewer.
        expected = points * (1, -1, -1) if name == "glb" else points
        assert np.allclose(cloud.vertices, expected)
    assert np.array_equal(cloud.colors.shape, (len(colors), 4))


def test_the_view_is_drawn_in_the_camera_s_own_frame() -> None:
    turned = GivenLifted()
    turned.frame = "opengl"
    turned.points = (LIFTED.points[0] * np.array((1, -1, -1), np.float32), LIFTED.points[1])
    (view,) = pick(["view"])
    assert view.encode(turned) == view.encode(LIFTED)
    assert Image.open(io.BytesIO(view.encode(LIFTED))).size == (8, 6)


def test_facts_are_json() -> None:
    assert json.loads(encoded("json")) == LIFTED.facts


def test_no_two_rows_share_what_tells_them_apart() -> None:
    for told in (
        [row.name for row in FORMATS],
        [row.ending for row in FORMATS],
        [media_type for row in FORMATS for media_type in row.media_types],
    ):
        assert len(set(told)) == len(told)


def test_what_is_served_has_a_file_name() -> None:
    assert list(by_media_type(pick(["png", "color", "ply"]))) == [
        "image/png",
        "model/ply",
        "application/x-ply",
    ]
    assert all(row.file_name for row in by_media_type(FORMATS).values())


def test_a_name_that_is_in_no_row_is_refused() -> None:
    with pytest.raises(KeyError, match="bmp"):
        pick(["png", "bmp"])
