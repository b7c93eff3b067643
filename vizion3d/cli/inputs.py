"""From the paths on the command line to images and the names of their results."""

import glob
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePath
from typing import TypeVar

import typer

from vizion3d.errors import InvalidImageError
from vizion3d.media import heif

P = TypeVar("P", bound=PurePath)


@dataclass(frozen=True)
class Job:
    """One image, and where its results go.

    Attributes:
        image: The image's path.
        stem: Where results go, without their endings: ``out/photo`` -> ``out/photo.ply``.
    """

    image: Path
    stem: Path


STDIN = "-"


@contextmanager
def standard_input(paths: list[str]) -> Iterator[list[str]]:
    """The paths, with a file of what standard input holds in place of ``-``.

    Raises:
        InvalidImageError: Nothing comes, or ``-`` is given twice.
    """
    if STDIN not in paths:
        yield paths
        return
    if paths.count(STDIN) > 1:
        raise InvalidImageError("- is standard input, which can be read once")
    content = typer.get_binary_stream("stdin").read()
    if not content:
        raise InvalidImageError("- is standard input, and nothing came from there")
    with tempfile.TemporaryDirectory(prefix="vizion3d-") as folder:
        file = Path(folder) / "stdin"
        file.write_bytes(content)
        yield [str(file) if path == STDIN else path for path in paths]


def find_jobs(paths: Iterable[str], out: Path) -> list[Job]:
    """Expand files, folders (with all below them but ``out``) and globs.

    Below a folder, results keep the images' relative places. Images whose results would have the
    same name get their endings into it: ``a.jpg`` and ``a.png`` become ``a_jpg`` and ``a_png``.

    Raises:
        InvalidImageError: A folder or glob without images.
    """
    found: dict[Path, Path] = {}
    for text in paths:
        for image, relative in _expand(text, out.resolve()):
            found.setdefault(image, relative)
    stems = unique_stems(list(found.values()))
    return [Job(image, out / stem) for image, stem in zip(found, stems, strict=True)]


def unique_stems(relatives: Sequence[P]) -> list[P]:
    """Where the results of images go, without their endings: see :func:`find_jobs`."""
    counts = Counter(relative.with_suffix("") for relative in relatives)
    stems, taken = [], set[P]()
    for relative in relatives:
        stem = relative.with_suffix("")
        if counts[stem] > 1:
            stem = relative.with_name(relative.name.replace(".", "_"))
        unique, number = stem, 2
        while unique in taken:
            unique, number = stem.with_name(f"{stem.name}-{number}"), number + 1
        taken.add(unique)
        stems.append(unique)
    return stems


def _expand(text: str, out: Path) -> list[tuple[Path, Path]]:
    """``(image, path below the folder that was named)`` of everything that ``text`` means.

    Folders and globs leave out what lies below ``out``: results are no photos.
    """
    path = Path(text)
    try:
        is_dir, exists = path.is_dir(), path.exists()
    except (OSError, ValueError) as error:
        raise InvalidImageError(f"{text!r} is no path: {error}") from error
    if is_dir:
        inside = sorted(p for p in path.rglob("*") if _is_photo(p, path, out))
        left_out = _left_out(path, out)
        if not inside:
            raise InvalidImageError(f"there are no images in the folder {text}. {left_out}".strip())
        if left_out:
            typer.echo(left_out, err=True)
        return [(p, p.relative_to(path)) for p in inside]
    if not exists and glob.has_magic(text):
        # glob and not Path.glob, which takes no absolute pattern.
        matches = sorted(Path(p) for p in glob.glob(text, recursive=True))  # noqa: PTH207
        images = [p for p in matches if p.is_file() and out not in p.resolve().parents]
        if not images:
            raise InvalidImageError(f"no file matches {text}")
        return [(p, Path(p.name)) for p in images]
    return [(path, Path(path.name))]


def _is_photo(path: Path, folder: Path, out: Path) -> bool:
    return path.suffix.lower() in image_suffixes() and _is_looked_at(path, folder, out)


def _is_looked_at(path: Path, folder: Path, out: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return not hidden and path.is_file() and out not in path.resolve().parents


def _left_out(folder: Path, out: Path) -> str:
    """What to say of HEIC photos that cannot be read; empty if there are none."""
    if heif.register():
        return ""
    named_so = (p for p in folder.rglob("*") if p.suffix.lower() in heif.SUFFIXES)
    count = sum(_is_looked_at(path, folder, out) for path in named_so)
    files = "HEIC file" if count == 1 else "HEIC files"
    return f"{count} {files} left out; to read these: {heif.INSTALL}" if count else ""


@cache
def image_suffixes() -> frozenset[str]:
    """Endings of the formats that Pillow itself reads as pictures."""
    from PIL import Image, ImageFile

    heif.register()
    suffixes = Image.registered_extensions()
    # PDF is only written; stubs (HDF5, GRIB, WMF ...) need programs that are not here.
    stubs = {s.format for s in ImageFile.StubImageFile.__subclasses__()}
    readable = {name for name in Image.OPEN if name not in stubs | {"MPEG"}}
    return frozenset(suffix for suffix, name in suffixes.items() if name in readable)
