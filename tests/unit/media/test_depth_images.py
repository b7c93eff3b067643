import contextlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from vizion3d.errors import InvalidImageError
from vizion3d.media.depth_images import read_depth_image

MILLIMETRES = np.array([[0, 1000, 65535], [1, 2, 3]], np.uint16)


def png(pixels: np.ndarray, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.mark.parametrize("content", [png(MILLIMETRES), png(MILLIMETRES, "TIFF"), npy(MILLIMETRES)])
def test_whole_numbers_are_units_of_the_scale(content: bytes) -> None:
    depth = read_depth_image(content)
    assert depth.dtype == np.float32
    np.testing.assert_allclose(depth, MILLIMETRES / 1000, rtol=1e-6)
    np.testing.assert_allclose(read_depth_image(content, 5000), MILLIMETRES / 5000, rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_floats_are_metres(dtype: type[np.floating[Any]], tmp_path: Path) -> None:
    metres = np.array([[0.5, 2.25]], dtype)
    path = tmp_path / "lidar.npy"
    path.write_bytes(npy(metres))
    assert read_depth_image(path).tolist() == metres.tolist()
    assert read_depth_image(str(path), 5000).tolist() == metres.tolist()
    tiff = png(metres.astype(np.float32), "TIFF")
    assert read_depth_image(tiff).tolist() == metres.tolist()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not a depth image"),
        (b"junk", "not a depth image"),
        (png(np.zeros((2, 2, 3), np.uint8)), "is a picture"),
        (png(np.zeros((2, 2), np.uint8)), "is a picture"),
        (png(MILLIMETRES)[:40], "not a depth image"),
        (png(np.zeros((20, 20), np.uint16)), "more than 100"),
        (npy(np.zeros((20, 20), np.uint16)), "at most 100 pixels"),
        (npy(np.zeros(5)), r"of shape \(H, W\)"),
        (npy(np.zeros((0, 5))), r"of shape \(H, W\)"),
        (npy(np.array([["a"]])), "not numbers"),
        (npy(np.zeros((2, 2)))[:-3], "do not hold"),
        (npy(np.array([{}], object)), "not an NPY file"),
        (npy(np.zeros((2, 2))).replace(b"(2, 2)", b"(9**9)"), "not an NPY file"),
        (b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'sh", "not an NPY"),
    ],
)
def test_what_is_no_depth_image_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(InvalidImageError, match=said):
        read_depth_image(content, max_pixels=100)


def test_a_header_that_promises_terabytes_allocates_nothing() -> None:
    hostile = npy(np.zeros((2, 2))).replace(b"(2, 2), }    ", b"(2222, 2222), }")
    with pytest.raises(InvalidImageError):
        read_depth_image(hostile)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidImageError, match="cannot be read"):
        read_depth_image(tmp_path / "nothing.png")


@settings(deadline=None)
@given(st.binary(max_size=200), st.integers(0, 200))
def test_damaged_files_are_refused_or_read(noise: bytes, at: int) -> None:
    good = npy(MILLIMETRES) if at % 2 else png(MILLIMETRES)
    with contextlib.suppress(InvalidImageError):
        read_depth_image(good[:at] + noise + good[at + len(noise) :])
