"""The option ``--save``: choosing formats and writing a result's files."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import typer

from vizion3d.core.files import write_atomic
from vizion3d.errors import InvalidImageError
from vizion3d.outputs.formats import Format, Lifted

L = TypeVar("L", bound=Lifted)


def names_of(formats: Iterable[Format[L]]) -> str:
    """The names of formats, for the help of ``--save``: ``"png,color,ply"``."""
    return ",".join(row.name for row in formats)


def parse_formats(text: str, offered: Sequence[Format[L]]) -> list[Format[L]]:
    """``"png,ply"`` -> formats, each once; what is not offered is a usage error."""
    by_name = {row.name: row for row in offered}
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in by_name]
    if unknown or not names:
        raise typer.BadParameter(
            f"{', '.join(unknown) or 'nothing'}; choose from {names_of(offered)}"
        )
    return [by_name[name] for name in dict.fromkeys(names)]


def files_of(stem: Path, formats: Iterable[Format[L]]) -> list[Path]:
    """Paths of a result's files: ``out/photo`` -> ``out/photo.depth.png`` ..."""
    return [stem.with_name(stem.name + row.ending) for row in formats]


def write(lifted: L, stem: Path, formats: Sequence[Format[L]]) -> None:
    """Write a result in every format; each file appears under its name when it is complete.

    Raises:
        OSError: A file cannot be written.
    """
    for path, row in zip(files_of(stem, formats), formats, strict=True):
        write_atomic(path, row.encode(lifted))


def require_points(lifted: Lifted, formats: Iterable[Format[L]], why: str | None) -> None:
    """Let a file of points that has none count as a failure; it is written nevertheless.

    Args:
        lifted: The result.
        formats: What was written of it.
        why: Why there are no points.

    Raises:
        InvalidImageError: There is no point, and a file of points was asked for.
    """
    if any(row.of_points for row in formats) and not len(lifted.points[0]):
        raise InvalidImageError(f"the point cloud is empty: {why or 'there is no depth'}")
