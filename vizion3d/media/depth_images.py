"""Depth images in metres, as LiDAR rigs and RGB-D cameras store them."""

import io
import math
from pathlib import Path

import numpy as np

from vizion3d.core.arrays import Float32Array
from vizion3d.core.limits import DEFAULT_MAX_PIXELS
from vizion3d.errors import InvalidImageError

_NPY = b"\x93NUMPY"
_FORMATS = ("PNG", "TIFF")
_WHOLE, _FLOAT = ("I;16", "I;16B", "I;16L", "I"), "F"


def read_depth_image(
    source: "str | Path | bytes", depth_scale: float = 1000.0, max_pixels: int = DEFAULT_MAX_PIXELS
) -> Float32Array:
    """Read a depth image in metres, float32 ``(H, W)``; 0 is "not known".

    Args:
        source: A file or its content: a 16-bit PNG or TIFF (whole numbers of ``1 / depth_scale``
            metres, as RGB-D cameras write), a TIFF of floats in metres, or an NPY file (floats are
            metres, uint16 as in PNG).
        depth_scale: Units per metre of whole numbers; 1000 = millimetres.
        max_pixels: Refuse larger images.

    Raises:
        InvalidImageError: It is none of these, is damaged or too large.
    """
    if isinstance(source, bytes):
        content, label = source, f"{len(source)} bytes"
    else:
        label = str(source)
        try:
            content = Path(source).read_bytes()
        except OSError as error:
            raise InvalidImageError(f"{label} cannot be read: {error.strerror}") from error
    if content.startswith(_NPY):
        pixels = _from_npy(content, label)
    else:
        pixels = _from_image(content, label, max_pixels)
    if pixels.ndim != 2 or not 0 < pixels.size <= max_pixels:
        raise InvalidImageError(
            f"a depth image is of shape (H, W) with at most {max_pixels:,} pixels, {label} is "
            f"{pixels.shape}"
        )
    if pixels.dtype.kind == "f":
        return np.asarray(pixels, np.float32)
    if pixels.dtype.kind not in "iu":
        raise InvalidImageError(f"{label} holds {pixels.dtype}, not numbers of metres")
    return np.asarray(pixels.astype(np.float32) / np.float32(depth_scale), np.float32)


def _from_npy(content: bytes, label: str) -> "np.ndarray[tuple[int, ...], np.dtype[np.generic]]":
    stream = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(stream)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, _, dtype = read(stream)
        if math.prod(shape) * dtype.itemsize != len(content) - stream.tell():
            raise ValueError(f"{len(content)} bytes do not hold {shape} of {dtype}")
        stream.seek(0)
        return np.asarray(np.load(stream, allow_pickle=False))
    # A hostile header meets NumPy with whatever exception comes to hand.
    except Exception as error:
        raise InvalidImageError(f"{label} is not an NPY file that can be read: {error}") from error


def _from_image(
    content: bytes, label: str, max_pixels: int
) -> "np.ndarray[tuple[int, ...], np.dtype[np.generic]]":
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            if image.width * image.height > max_pixels:
                raise InvalidImageError(
                    f"{label} has {image.width} x {image.height} pixels, more than {max_pixels:,}"
                )
            if image.mode not in (*_WHOLE, _FLOAT):
                raise InvalidImageError(
                    f"{label} is a picture ({image.mode}), not a depth image: use 16-bit PNG, "
                    "TIFF or NPY"
                )
            return np.asarray(image)
    except InvalidImageError:
        raise
    except UnidentifiedImageError as error:
        raise InvalidImageError(
            f"{label} is not a depth image: no 16-bit PNG, TIFF or NPY"
        ) from error
    # Decoders meet hostile bytes with whatever exception comes to hand.
    except Exception as error:
        raise InvalidImageError(
            f"{label} is not a depth image that can be read (16-bit PNG, TIFF, NPY): {error}"
        ) from error
