import io
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from vizion3d.errors import InvalidConfigError
from vizion3d.outputs.depth_files import (
    colorize,
    encode_exr,
    encode_npy,
    encode_npz,
    encode_png,
    metres_to_uint16,
    to_uint16,
)


@given(
    st.integers(0, 2**32 - 1),
    st.floats(-1e6, 1e6),
    st.floats(1e-3, 1e6),
    st.sampled_from([np.float32, np.float64]),
)
def test_uint16_is_linear_monotone_and_spans_the_range(
    seed: int, low: float, spread: float, dtype: type[np.floating[Any]]
) -> None:
    depth = (low + spread * np.random.default_rng(seed).random((5, 6))).astype(dtype)
    if depth.max() == depth.min():
        return
    pixels = to_uint16(depth)
    assert (pixels.min(), pixels.max()) == (0, 65535)
    order = np.argsort(depth.ravel())
    assert (np.diff(pixels.ravel()[order].astype(int)) >= 0).all()


@pytest.mark.parametrize("dtype", [np.float16, np.int32, np.uint8])
def test_other_kinds_of_numbers_span_the_range_too(dtype: type) -> None:
    pixels = to_uint16(np.array([[0, 50, 100]], dtype))
    assert pixels.tolist() == [[0, 32768, 65535]]


def test_a_constant_image_is_black() -> None:
    assert (to_uint16(np.full((2, 3), 5.0)) == 0).all()


def test_metres_become_units_and_what_does_not_fit_becomes_no_depth() -> None:
    metres = np.array([[0.0, 1.2344, 65.535, 65.6, -1.0]])
    assert metres_to_uint16(metres, 1000).tolist() == [[0, 1234, 65535, 0, 0]]
    assert metres_to_uint16(np.array([[1.0]]), 5000).tolist() == [[5000]]


def test_png_keeps_sixteen_bits() -> None:
    pixels = np.arange(12, dtype=np.uint16).reshape(3, 4) * 5461
    image = Image.open(io.BytesIO(encode_png(pixels)))
    assert image.mode == "I;16"
    assert np.array_equal(np.asarray(image), pixels)


def test_colors_follow_the_color_map() -> None:
    depth = np.array([[0.0, 0.5, 1.0]], np.float32)
    assert colorize(depth, "gray").tolist() == [[[0] * 3, [128] * 3, [255] * 3]]
    inferno = colorize(depth).astype(int)
    assert inferno[0, 0].sum() < inferno[0, 1].sum() < inferno[0, 2].sum()
    image = Image.open(io.BytesIO(encode_png(colorize(depth, "turbo"))))
    assert np.array_equal(np.asarray(image), colorize(depth, "turbo"))


def test_an_unknown_color_map_is_told() -> None:
    with pytest.raises(InvalidConfigError, match="no colour map 'plaid'"):
        colorize(np.zeros((1, 2)), "plaid")


def test_arrays_come_back_as_they_went() -> None:
    depth = np.random.default_rng(0).random((3, 4)).astype(np.float32)
    loaded = np.load(io.BytesIO(encode_npy(depth)), allow_pickle=False)
    assert loaded.dtype == np.float32
    assert np.array_equal(loaded, depth)
    archive = np.load(io.BytesIO(encode_npz(depth=depth, intrinsics=np.eye(3))))
    assert np.array_equal(archive["depth"], depth)
    assert np.array_equal(archive["intrinsics"], np.eye(3))


def test_masks_are_compressed_and_numbers_are_not() -> None:
    numbers, mask = np.zeros((100, 100), np.float32), np.zeros((100, 100), np.bool_)
    content = encode_npz(numbers=numbers, mask=mask)
    assert numbers.nbytes < len(content) < numbers.nbytes + 1000
    assert content == encode_npz(numbers=numbers, mask=mask), "nothing of the time is in it"
    archive = np.load(io.BytesIO(content))
    assert archive["mask"].dtype == np.bool_
    assert np.array_equal(archive["numbers"], numbers)


def test_exr_keeps_every_bit_of_the_depth(tmp_path: Path) -> None:
    depth = np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32)
    path = tmp_path / "depth.exr"
    path.write_bytes(encode_exr(depth.astype(np.float64)[:, ::-1]))
    (part,) = OpenEXR.File(str(path)).parts
    assert list(part.channels) == ["Z"]
    assert np.array_equal(part.channels["Z"].pixels, depth[:, ::-1])
