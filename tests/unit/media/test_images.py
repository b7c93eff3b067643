import contextlib
import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile
from PIL.TiffImagePlugin import IFDRational, ImageFileDirectory_v2

from vizion3d.errors import InvalidImageError
from vizion3d.media.images import decode, read_header, snapshot


def encoded(image: Image.Image, format_: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


def gradient(width: int = 4, height: int = 3) -> Image.Image:
    pixels = np.arange(height * width * 3, dtype=np.uint8).reshape(height, width, 3) * 5
    return Image.fromarray(pixels)


def noise(width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(pixels)


def png_header(width: int, height: int) -> bytes:
    """A PNG that says it is that large, and has no pixels."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 0) + b"IDAT" + b"\0\0\0\0"


@pytest.mark.parametrize("format_", ["PNG", "BMP", "TIFF", "WEBP", "PPM", "GIF", "JPEG"])
def test_formats(format_: str) -> None:
    options = {"lossless": True} if format_ == "WEBP" else {}
    result = decode(encoded(Image.new("RGB", (8, 6), (200, 100, 50)), format_, **options))
    assert result.shape == (6, 8, 3)
    assert result.dtype == np.uint8
    assert np.abs(result.astype(int) - (200, 100, 50)).max() <= 4


def test_every_kind_of_input_gives_the_same_pixels(tmp_path: Path) -> None:
    image = gradient()
    data = encoded(image)
    path = tmp_path / "image.png"
    path.write_bytes(data)
    expected = np.asarray(image)
    kinds: list[Any] = [str(path), path, data, bytearray(data), image, expected]
    for given_ in kinds:
        assert np.array_equal(decode(given_), expected)


def test_the_result_may_be_written_and_a_view_of_an_array_is_copied() -> None:
    flipped = np.asarray(gradient())[..., ::-1]
    result = decode(flipped)
    assert result.flags.c_contiguous
    assert result.flags.writeable
    assert np.array_equal(result, flipped)


def test_a_snapshot_does_not_follow_its_original(tmp_path: Path) -> None:
    data = encoded(gradient())
    buffer: Any = bytearray(data)
    pixels, drawn_on = np.asarray(gradient()).copy(), gradient()
    view: Any = memoryview(buffer)
    taken = [snapshot(buffer), snapshot(view), snapshot(pixels), snapshot(drawn_on)]
    buffer[:] = bytes(len(buffer))
    pixels[:] = 0
    drawn_on.paste((0, 0, 0), (0, 0, 4, 3))
    for image in taken:
        assert np.array_equal(decode(image), np.asarray(gradient()))
    path = tmp_path / "image.png"
    path.write_bytes(data)
    with Image.open(path) as opened:
        for named in (str(path), path, data, opened):
            assert snapshot(named) is named


@pytest.mark.parametrize(
    ("mode", "color", "expected"),
    [
        ("L", 100, (100, 100, 100)),
        ("1", 1, (255, 255, 255)),
        ("LA", (100, 255), (100, 100, 100)),
        ("LA", (100, 0), (255, 255, 255)),
        ("RGBA", (10, 20, 30, 255), (10, 20, 30)),
        ("RGBA", (10, 20, 30, 0), (255, 255, 255)),
        ("RGBA", (0, 0, 0, 128), (127, 127, 127)),
        ("RGBa", (0, 0, 0, 128), (127, 127, 127)),
        ("La", (0, 0), (255, 255, 255)),
        ("CMYK", (0, 0, 0, 0), (255, 255, 255)),
        ("CMYK", (0, 0, 0, 255), (0, 0, 0)),
        ("YCbCr", (128, 128, 128), (128, 128, 128)),
        ("HSV", (0, 0, 200), (200, 200, 200)),
        ("LAB", (255, 128, 128), (255, 255, 255)),
        ("I;16", 65535, (255, 255, 255)),
        ("I;16", 32896, (128, 128, 128)),
        ("I", 32896, (128, 128, 128)),
        ("F", 0.5, (128, 128, 128)),
    ],
)
def test_modes(mode: str, color: Any, expected: tuple[int, int, int]) -> None:
    result = decode(Image.new(mode, (3, 2), color))
    assert result.shape == (2, 3, 3)
    assert np.abs(result.astype(int) - expected).max() <= 1


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    deep = np.array([[0, 257, 32896, 65535]], np.uint16)
    result = decode(encoded(Image.fromarray(deep)))
    assert result[0, :, 0].tolist() == [0, 1, 128, 255]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([[-1.0, 0.0, 1.0]], [0, 128, 255]),
        ([[0.0, 0.25, 1.0]], [0, 64, 255]),
        ([[0, 70_000, 140_000]], [0, 128, 255]),
        ([[7.0, 7.0, 7.0]], [0, 0, 0]),
    ],
)
def test_deep_values_outside_a_known_range_are_stretched(
    values: list[list[float]], expected: list[int]
) -> None:
    kind = np.float32 if isinstance(values[0][0], float) else np.int32
    assert decode(Image.fromarray(np.array(values, kind)))[0, :, 0].tolist() == expected


def test_a_palette_with_transparency_is_composited_over_white() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 200, 0, 0])
    image.putpixel((1, 0), 1)
    result = decode(encoded(image, "PNG", transparency=0))
    assert result.tolist() == [[[255, 255, 255], [200, 0, 0]]]


def test_a_transparent_colour_of_an_rgb_png_is_white() -> None:
    image = Image.new("RGB", (2, 1), (1, 2, 3))
    image.putpixel((1, 0), (9, 9, 9))
    result = decode(encoded(image, "PNG", transparency=(1, 2, 3)))
    assert result.tolist() == [[[255, 255, 255], [9, 9, 9]]]


@pytest.mark.parametrize("format_", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_exif_orientation_is_applied_once(orientation: int, format_: str) -> None:
    upright = np.asarray(gradient(5, 3))
    # How a camera that was held so stores the upright scene (Exif 2.32, tag 0x0112).
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: upright.transpose(1, 0, 2)[::-1],
        7: upright.transpose(1, 0, 2)[::-1, ::-1],
        8: upright.transpose(1, 0, 2)[:, ::-1],
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if format_ == "WEBP" else {}
    data = encoded(Image.fromarray(np.ascontiguousarray(stored)), format_, exif=exif, **options)
    assert np.array_equal(decode(data), upright)
    header = read_header(data)
    assert (header.width_px, header.height_px) == (5, 3)


@pytest.mark.parametrize("format_", ["GIF", "WEBP", "TIFF"])
def test_the_first_frame_of_an_animation(format_: str) -> None:
    frames = [Image.new("RGB", (4, 4), color) for color in ("red", "blue")]
    options = {"lossless": True} if format_ == "WEBP" else {}
    data = encoded(frames[0], format_, save_all=True, append_images=frames[1:], **options)
    assert decode(data)[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize(
    ("image", "told"),
    [
        (b"", "is empty: 0 bytes"),
        (b"not an image at all", "is not an image of a known format"),
        (encoded(noise(64, 64))[:-300], "truncated or damaged"),
        (encoded(noise(64, 64), "JPEG")[:-300], "truncated or damaged"),
        ("no/such/file.png", "there is no file no/such/file.png"),
        ("a\0b.png", "is not the path of an image"),
        ("", "is not the path of an image"),
        ("x" * 5000, "cannot be read"),
        (png_header(60_000, 60_000), "60000 x 60000 = 3,600,000,000 pixels, more than the limit"),
        (png_header(10_001, 10_000), r"10001 x 10000 = 100,010,000 pixels, more than the limit"),
        (42, "got int"),
        (None, "got NoneType"),
        (np.zeros((2, 2), np.uint8), r"got uint8 of shape \(2, 2\)"),
        (np.zeros((2, 2, 3), np.float32), "got float32"),
        (np.zeros((2, 2, 4), np.uint8), r"shape \(2, 2, 4\)"),
        (np.zeros((0, 2, 3), np.uint8), r"shape \(0, 2, 3\)"),
        (Image.new("RGB", (0, 5)), "the image is empty: 0 x 5"),
        (Image.fromarray(np.array([[np.nan]], np.float32)), "not all finite"),
    ],
)
def test_what_is_no_image_is_refused_saying_why(image: Any, told: str) -> None:
    with pytest.raises(InvalidImageError, match=told):
        decode(image)


def test_a_folder_and_an_empty_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidImageError, match="cannot be read: Is a directory"):
        decode(tmp_path)
    empty = tmp_path / "empty.png"
    empty.touch()
    with pytest.raises(InvalidImageError, match=r"empty.png is empty: 0 bytes"):
        decode(empty)


def test_the_pixel_limit_can_be_set_and_holds_for_every_kind_of_input() -> None:
    image = gradient(4, 3)
    for given_ in (image, encoded(image), np.asarray(image)):
        assert decode(given_, max_pixels=12).shape == (3, 4, 3)
        with pytest.raises(InvalidImageError, match="4 x 3 = 12 pixels, more than the limit of 11"):
            decode(given_, max_pixels=11)


@pytest.mark.timeout(30)
def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    for path in (tmp_path / "pipe.png", Path("/dev/zero")):
        with pytest.raises(InvalidImageError, match="is no regular file, but a pipe"):
            decode(path)
        with pytest.raises(InvalidImageError, match="is no regular file, but a pipe"):
            read_header(path)


class LimitSeen(ImageFile.ImageFile):
    """A format whose plugin looks at Pillow's pixel limit while a file is opened."""

    format = "LIMITSEEN"
    limits: ClassVar[list[int | None]] = []

    def _open(self) -> None:
        self.limits.append(Image.MAX_IMAGE_PIXELS)
        self._size, self._mode = (1, 1), "RGB"


def test_pillows_own_limit_is_never_changed_for_other_threads() -> None:
    pillows = Image.MAX_IMAGE_PIXELS
    Image.register_open(LimitSeen.format, LimitSeen, lambda head: head.startswith(b"LIMIT"))
    try:
        read_header(b"LIMIT")
    finally:
        Image.ID.remove(LimitSeen.format)
        del Image.OPEN[LimitSeen.format]
    assert LimitSeen.limits == [pillows]


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_damaged_bytes_give_an_image_or_our_error(data: st.DataObject) -> None:
    format_ = data.draw(st.sampled_from(["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP"]))
    content = bytearray(encoded(gradient(16, 16), format_))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(1, len(content)))]
    with contextlib.suppress(InvalidImageError):
        assert decode(bytes(content), max_pixels=10_000).dtype == np.uint8


def test_a_limit_above_pillows_own_holds() -> None:
    pillows = Image.MAX_IMAGE_PIXELS
    header = read_header(png_header(20_000, 15_000), max_pixels=300_000_000)
    assert (header.width_px, header.height_px) == (20_000, 15_000)
    assert pillows == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize("exif", [b"x", b"Exif\0\0garbage", b"Exif\0\0MM\0*\xff\xff\xff\xff"])
def test_damaged_metadata_do_not_spoil_the_pixels(exif: bytes) -> None:
    image = gradient()
    for format_ in ("PNG", "WEBP"):
        data = encoded(
            image, format_, exif=exif, **({"lossless": True} if format_ == "WEBP" else {})
        )
        assert np.array_equal(decode(data), np.asarray(image))
        assert read_header(data).exif_focal_px is None


def test_a_header_tells_size_and_focal_length() -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = 26
    header = read_header(encoded(gradient(40, 30), "JPEG", exif=exif))
    assert (header.width_px, header.height_px) == (40, 30)
    assert header.exif_focal_px == pytest.approx(26 / 43.2666 * 50, rel=1e-4)
    assert read_header(np.zeros((2, 3, 3), np.uint8)).exif_focal_px is None


@pytest.mark.parametrize("format_", ["JPEG", "TIFF"])
@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("stored", [(40, 30), (30, 40)])
def test_the_focal_plane_resolution_holds_for_the_pixels_as_stored(
    stored: tuple[int, int], orientation: int, format_: str
) -> None:
    # 5 mm, 80 pixels per mm, taken at the size that is stored.
    tags = {0x920A: IFDRational(5, 1), 0xA20E: IFDRational(80, 1), 0xA210: 4, 0xA002: stored[0]}
    options: dict[str, Any]
    if format_ == "TIFF":  # Pillow writes the EXIF part of one in this way only
        directory = ImageFileDirectory_v2()
        directory[0x0112], directory[0x8769] = orientation, tags
        options = {"tiffinfo": directory}
    else:
        exif = Image.Exif()
        exif[0x0112] = orientation
        exif.get_ifd(0x8769).update(tags)
        options = {"exif": exif}
    header = read_header(encoded(gradient(*stored), format_, **options))
    assert header.exif_focal_px == pytest.approx(400)
    assert (header.width_px, header.height_px) == (stored if orientation == 1 else stored[::-1])
