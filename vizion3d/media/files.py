"""Opening image files with Pillow."""

import importlib
import io
import os
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from vizion3d.errors import InvalidImageError
from vizion3d.media.heif import INSTALL, is_heif, register

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

_HEAD_BYTES = 16
"""Bytes by which Pillow's plugins recognise their format."""

_NOT_MINE = (SyntaxError, IndexError, TypeError, struct.error)
"""What a plugin of Pillow raises at a file of another format."""


def identify(file: BinaryIO, label: str, formats: tuple[str, ...] | None) -> "PILImage":
    """Open an image file without decoding its pixels, as :func:`PIL.Image.open` does.

    Pillow's own pixel limit is not applied; the caller checks the size. That limit is a variable of
    Pillow's module: to change it here would lift it for every thread of the program.

    Args:
        file: The file, at its beginning.
        label: What messages call it.
        formats: Pillow's names of the file formats that may be read; ``None``: all that it knows.

    Raises:
        InvalidImageError: It is empty, unreadable, damaged or of another format.
    """
    try:
        head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise InvalidImageError(f"{label} cannot be read: {error.strerror or error}") from error
    if not head:
        raise InvalidImageError(f"{label} is empty: 0 bytes")
    for factory, accept in _plugins(formats):
        try:
            if accept and accept(head) is not True:
                continue
            file.seek(0)
            opened: PILImage = factory(file, getattr(file, "name", ""))
            return opened
        except _NOT_MINE:
            continue
        except Exception as error:
            raise InvalidImageError(
                f"{label} is damaged: its header cannot be read: {error}"
            ) from error
    if is_heif(head) and not register():
        raise InvalidImageError(f"{label} is a HEIC photo; to read these: {INSTALL}")
    known = f"one of {', '.join(formats)}" if formats else "a known format"
    raise InvalidImageError(f"{label} is not an image of {known}")


def _plugins(formats: tuple[str, ...] | None) -> Iterator[tuple[Any, Any]]:
    """``(factory, accept)`` of Pillow's formats; the rarer ones are imported last, if need be."""
    from PIL import Image

    tried: set[str] = set()
    for prepare in (_prepare_jpeg, Image.preinit, Image.init, register):
        prepare()
        for name in formats or tuple(Image.ID):
            if name not in tried and name in Image.OPEN:
                tried.add(name)
                yield Image.OPEN[name]


def _prepare_jpeg() -> None:
    """Most photos are JPEGs, which need no other plugin."""
    importlib.import_module("PIL.JpegImagePlugin")


@contextmanager
def open_source(source: object) -> Iterator[tuple[BinaryIO, str]]:
    """The file that an image input contains or names, open, and its name for messages.

    Raises:
        InvalidImageError: It names no file that can be opened, or is of another type.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        yield (
            io.BytesIO(source),
            f"the image ({len(source):,} bytes)" if len(source) else "the image",
        )
        return
    path = _path_of(source)
    try:
        # Opening a pipe blocks until something writes to it; a device may have no end.
        if not (stat.S_ISREG(path.stat().st_mode) or path.is_dir()):
            raise InvalidImageError(f"{path} is no regular file, but a pipe, socket or device")
        file = path.open("rb")
    except FileNotFoundError as error:
        raise InvalidImageError(f"there is no file {path}; check the path") from error
    except OSError as error:
        raise InvalidImageError(f"{path} cannot be read: {error.strerror or error}") from error
    with file:
        yield file, str(path)


def _path_of(source: object) -> Path:
    if isinstance(source, (str, os.PathLike)):
        path = os.fspath(source)
        if not isinstance(path, str) or not path or "\0" in path:
            raise InvalidImageError(f"{path!r} is not the path of an image")
        return Path(path)
    raise InvalidImageError(
        f"an image is a path, bytes, a PIL image or a uint8 RGB array, got {type(source).__name__}"
    )
