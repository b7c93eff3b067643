"""Results that write themselves, and that a notebook shows."""

import base64
import html
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vizion3d.core.arrays import UInt8Array
from vizion3d.core.files import write_atomic
from vizion3d.errors import InvalidConfigError
from vizion3d.outputs.formats import FORMATS, Format, Lifted

_SHOWN_PX = 320
"""Longest side of a picture in a notebook."""


def save(
    lifted: Lifted, path: str | os.PathLike[str], formats: Sequence[Format[Any]] = FORMATS
) -> Path:
    """Write a result in the format that the file's ending names.

    Args:
        lifted: The result.
        path: Such as ``out.ply``, ``out.mesh.glb`` or ``out.color.png``; ``.png`` alone is the
            16-bit depth image.
        formats: The table.

    Returns:
        The path.

    Raises:
        InvalidConfigError: No format has that ending.
        OSError: The file cannot be written.
    """
    path = Path(path)
    name = path.name.lower()
    fitting = [row for row in formats if name.endswith(row.ending)]
    fitting = fitting or [row for row in formats if name.endswith(f".{row.name}")]
    if not fitting:
        endings = ", ".join(dict.fromkeys((".png", *(row.ending for row in formats))))
        raise InvalidConfigError(f"no format has the ending of {path.name}; use one of {endings}")
    longest = max(fitting, key=lambda row: len(row.ending))
    write_atomic(path, longest.encode(lifted))
    return path


def as_html(pictures: Mapping[str, UInt8Array], facts: Mapping[str, str]) -> str:
    """Pictures side by side with a table below, as a notebook shows it.

    Args:
        pictures: Caption -> uint8 ``(H, W, 3)``.
        facts: Name -> value.
    """
    figures = "".join(
        f'<figure style="margin:0 1em 0 0"><img src="{_data_url(pixels)}" '
        f'alt="{html.escape(name)}"><figcaption>{html.escape(name)}</figcaption></figure>'
        for name, pixels in pictures.items()
    )
    rows = "".join(
        f"<tr><th style='text-align:left'>{html.escape(name)}</th>"
        f"<td>{html.escape(value)}</td></tr>"
        for name, value in facts.items()
    )
    return f'<div style="display:flex">{figures}</div><table>{rows}</table>'


def _data_url(pixels: UInt8Array) -> str:
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(pixels))
    picture.thumbnail((_SHOWN_PX, _SHOWN_PX))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
