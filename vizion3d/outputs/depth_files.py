"""Depth as image and array files."""

import io
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vizion3d.core.arrays import FloatArray
from vizion3d.errors import InvalidConfigError, MissingDependencyError
from vizion3d.geometry.depth import scale_inverse_depth

UINT16_MAX = 65535
DEFAULT_COLOR_MAP = "inferno"


def to_uint16(depth: FloatArray) -> NDArray[np.uint16]:
    """Map ``[min, max]`` linearly to 0..65535; a constant image becomes 0.

    Args:
        depth: ``(H, W)``, finite.

    Returns:
        uint16 ``(H, W)``, rounded to nearest.
    """
    if not depth.max() > depth.min():
        return np.zeros(depth.shape, np.uint16)
    scaled = scale_inverse_depth(depth)  # in [0, 1], so that nothing can wrap around
    scaled *= UINT16_MAX
    np.rint(scaled, out=scaled)
    pixels: NDArray[np.uint16] = scaled.astype(np.uint16)
    return pixels


def metres_to_uint16(depth_m: FloatArray, depth_scale: float) -> NDArray[np.uint16]:
    """Depth in units of ``1 / depth_scale`` metres, as RGB-D cameras store it (1000: millimetres).

    What does not fit (beyond 65535 units) becomes 0, which readers take for "no depth".
    """
    units = np.rint(depth_m * depth_scale)
    units[(units > UINT16_MAX) | (units < 0)] = 0
    pixels: NDArray[np.uint16] = units.astype(np.uint16)
    return pixels


def colorize(depth: FloatArray, color_map: str = DEFAULT_COLOR_MAP) -> NDArray[np.uint8]:
    """Depth ``(H, W)``, its range stretched over a colour map -> RGB uint8 ``(H, W, 3)``.

    Args:
        depth: Finite values.
        color_map: A name that the ``cmap`` catalogue knows: ``inferno``, ``turbo``, ``viridis`` ...

    Raises:
        InvalidConfigError: There is no such colour map.
    """
    rgb = color_table(color_map)
    index = np.rint(scale_inverse_depth(depth) * 255).astype(np.uint8)
    colors: NDArray[np.uint8] = rgb[index]
    return colors


def color_table(color_map: str) -> NDArray[np.uint8]:
    """The 256 RGB colours of a colour map, uint8 ``(256, 3)``.

    Raises:
        InvalidConfigError: There is no such colour map.
    """
    from cmap import Colormap

    try:
        table = Colormap(color_map).lut(256)[:, :3]
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidConfigError(
            f"there is no colour map {color_map!r}; try inferno, turbo, viridis, magma or gray"
        ) from error
    colors: NDArray[np.uint8] = np.rint(table * 255).astype(np.uint8)
    return colors


def encode_npy(depth: NDArray[Any]) -> bytes:
    """Array -> NPY."""
    buffer = io.BytesIO()
    np.save(buffer, depth, allow_pickle=False)
    return buffer.getvalue()


def encode_npz(**arrays: NDArray[Any]) -> bytes:
    """Named arrays -> NPZ. Masks are compressed; numbers would take 20 times as long to write for a
    quarter of the bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy")
            shrinks = array.dtype == np.bool_
            entry.compress_type = zipfile.ZIP_DEFLATED if shrinks else zipfile.ZIP_STORED
            archive.writestr(entry, encode_npy(array))
    return buffer.getvalue()


def encode_png(pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> bytes:
    """uint16 ``(H, W)`` -> 16-bit greyscale PNG; uint8 ``(H, W, 3)`` -> 8-bit RGB PNG."""
    from PIL import Image

    buffer = io.BytesIO()
    # Twice as fast as the default for 3 % more bytes.
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def require_openexr() -> Any:
    """The package OpenEXR.

    Raises:
        MissingDependencyError: It is not installed; the message says how to install it.
    """
    try:
        import OpenEXR
    except ImportError as error:
        raise MissingDependencyError(
            f"OpenEXR cannot be imported ({error}): .exr files need pip install 'vizion3d[exr]'"
        ) from error
    return OpenEXR


def encode_exr(depth: FloatArray) -> bytes:
    """Depth ``(H, W)`` as float32 in the channel ``Z`` of an OpenEXR file, without loss.

    Raises:
        MissingDependencyError: OpenEXR is not installed; the message says how to install it.
    """
    OpenEXR = require_openexr()  # noqa: N806  # the package's own name
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    buffer = io.BytesIO()
    plane = np.ascontiguousarray(depth, np.float32)
    OpenEXR.File(header, {"Z": plane}).write(buffer)
    return buffer.getvalue()


def encode_jpeg(pixels: NDArray[np.uint8]) -> bytes:
    """uint8 RGB ``(H, W, 3)`` -> JPEG of high quality."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()
