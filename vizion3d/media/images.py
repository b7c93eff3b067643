"""Anything a user calls an image -> RGB uint8 ``(H, W, 3)``."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vizion3d.core.arrays import UInt8Array
from vizion3d.core.limits import DEFAULT_MAX_PIXELS
from vizion3d.errors import InvalidImageError
from vizion3d.geometry import cameras
from vizion3d.media.files import identify, open_source

if TYPE_CHECKING:
    from PIL.Image import Exif
    from PIL.Image import Image as PILImage

ImageInput: TypeAlias = "str | os.PathLike[str] | bytes | PILImage | NDArray[np.uint8]"

_ORIENTATION = 0x0112
_TURNED = {5, 6, 7, 8}
"""EXIF orientations that exchange width and height."""


@dataclass(frozen=True)
class ImageHeader:
    """Size and focal length read from an image's header, the EXIF orientation applied.

    Attributes:
        width_px: Width as seen.
        height_px: Height as seen.
        exif_focal_px: Focal length by the EXIF data, in pixels of this size; ``None`` if unknown.
    """

    width_px: int
    height_px: int
    exif_focal_px: float | None


def decode(
    image: ImageInput,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    formats: tuple[str, ...] | None = None,
) -> UInt8Array:
    """Read an image as RGB.

    The EXIF orientation is applied; transparency is composited over white; 16-bit images are scaled
    to 8 bits; of an animation the first frame is taken.

    Args:
        image: Path, encoded bytes, PIL image, or uint8 RGB array ``(H, W, 3)``.
        max_pixels: Refuse larger images, by what the header says, before decoding.
        formats: Pillow's names of the file formats that may be read; ``None``: all that it knows.

    Returns:
        uint8 ``(H, W, 3)``, RGB, C-contiguous and writable; never the caller's own array.

    Raises:
        InvalidImageError: Saying whether it is missing, empty, not an image, truncated, too large,
            or of a shape or type that is not an image's.
    """
    if isinstance(image, np.ndarray):
        _check_array(image, max_pixels)
        return np.array(image, order="C")  # a copy: the caller's buffer may change afterwards
    with _opened(image, max_pixels, formats) as (opened, label):
        try:
            return _to_rgb(opened)
        except MemoryError:
            raise
        # On damaged bytes, Pillow's decoders raise exceptions of many types.
        except Exception as error:
            raise InvalidImageError(
                f"{label} is truncated or damaged and cannot be decoded: {error}"
            ) from error


def read_header(
    image: ImageInput,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    formats: tuple[str, ...] | None = None,
) -> ImageHeader:
    """Size and EXIF focal length of an image, without decoding its pixels.

    Raises:
        InvalidImageError: As :func:`decode`.
    """
    if isinstance(image, np.ndarray):
        _check_array(image, max_pixels)
        return ImageHeader(image.shape[1], image.shape[0], None)
    with _opened(image, max_pixels, formats) as (opened, _):
        exif = _exif_of(opened)
        stored = seen = opened.size
        if exif.get(_ORIENTATION) in _TURNED:
            # Pillow turns the size of a TIFF by itself, before its pixels are loaded.
            if opened.format == "TIFF":
                stored = stored[::-1]
            else:
                seen = seen[::-1]
        return ImageHeader(*seen, cameras.focal_from_exif(exif, *stored))


def _exif_of(image: "PILImage") -> "Exif":
    """The image's EXIF data; empty if they are damaged, as the pixels may still be intact."""
    from PIL import Image

    try:
        exif = image.getexif()
        exif.get_ifd(cameras.EXIF_IFD)  # read now, so that a damaged pointer fails here
    except Exception:  # noqa: BLE001 (on damaged metadata, Pillow raises many types)
        return Image.Exif()
    return exif


def snapshot(image: ImageInput) -> ImageInput:
    """The image as it is now, for decoding later: a copy of pixels or bytes that may be reused.

    What names a file is left as it is, also a file that Pillow has opened.
    """
    if isinstance(image, np.ndarray):
        return image.copy()
    if isinstance(image, (bytearray, memoryview)):
        return bytes(image)
    from PIL import Image, ImageFile

    if isinstance(image, Image.Image) and not isinstance(image, ImageFile.ImageFile):
        return image.copy()
    return image


def _check_array(array: NDArray[np.uint8], max_pixels: int) -> None:
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or array.size == 0:
        raise InvalidImageError(
            "an array must be uint8 RGB of shape (H, W, 3), "
            f"got {array.dtype} of shape {array.shape}"
        )
    _check_pixels(array.shape[1], array.shape[0], max_pixels, "the array")


def _check_pixels(width: int, height: int, max_pixels: int, label: str) -> None:
    if width * height > max_pixels:
        raise InvalidImageError(
            f"{label} has {width} x {height} = {width * height:,} pixels, more than the limit of "
            f"{max_pixels:,}; scale it down, or raise VIZION3D_MAX_PIXELS"
        )


@contextmanager
def _opened(
    image: ImageInput, max_pixels: int, formats: tuple[str, ...] | None = None
) -> "Iterator[tuple[PILImage, str]]":
    """The opened but undecoded image, and what to call it."""
    from PIL import Image

    if isinstance(image, Image.Image):
        _check_pixels(*image.size, max_pixels, "the image")
        if 0 in image.size:
            raise InvalidImageError(f"the image is empty: {image.size[0]} x {image.size[1]} pixels")
        yield image, "the image"
        return
    with open_source(image) as (file, label), identify(file, label, formats) as opened:
        _check_pixels(*opened.size, max_pixels, label)
        yield opened, label


def _to_rgb(image: "PILImage") -> UInt8Array:
    from PIL import Image, ImageOps

    image.load()
    if _exif_of(image).get(_ORIENTATION, 1) != 1:
        image = ImageOps.exif_transpose(image)
    mode = image.mode
    if mode.startswith("I") or mode == "F":
        return _grey_to_rgb(np.asarray(image))
    if mode == "LAB":
        image = _lab_to_rgb(image)
    elif "a" in mode:  # premultiplied alpha: La, RGBa
        image = image.convert("RGBA" if mode == "RGBa" else "LA")
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return np.array(image.convert("RGB"))


def _grey_to_rgb(grey: NDArray[np.generic]) -> UInt8Array:
    """Scale deep grey values to 8 bits: 16-bit by their range, floats in [0, 1] or by their own."""
    values = grey.astype(np.float32)
    if not np.isfinite(values).all():
        raise ValueError("its pixels are not all finite")
    low, high = float(values.min()), float(values.max())
    if grey.dtype.kind == "f":
        low, high = (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)
    elif low >= 0 and high <= 65535:
        low, high = 0.0, 65535.0
    scaled = (values - low) * (255 / (high - low) if high > low else 0.0)
    return np.repeat(np.rint(scaled).astype(np.uint8)[..., None], 3, axis=2)


def _lab_to_rgb(image: "PILImage") -> "PILImage":
    from PIL import ImageCms

    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    transform = ImageCms.buildTransform(lab, srgb, "LAB", "RGB")
    converted = ImageCms.applyTransform(image, transform)
    assert converted is not None
    return converted
