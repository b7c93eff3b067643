"""From the paths on the command line to images and the names of their results."""

import glob
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vizion3d.errors import InvalidImageError


@dataclass(frozen=True)
class Job:
    """One image, and where its results go.

    Attributes:
        image: The image's path.
        stem: Where results go, without their endings: ``out/photo`` -> ``out/photo.ply``.
    """

    image: Path
    stem: Path


def find_jobs(paths: Iterable[str], out: Path) -> list[Job]:
    """Expand files, folders (with all below them) and globs.

    Below a folder, results keep the images' relative places. Images whose results would have the
    same name get their endings into it: ``a.jpg`` and ``a.png`` become ``a_jpg`` and ``a_png``.

    Raises:
        InvalidImageError: A folder or glob without images.
    """
    found: dict[Path, Path] = {}
    for text in paths:
        for image, relative in _expand(text):
            found.setdefault(image, relative)
    stems = Counter(relative.with_suffix("") for relative in found.values())
    jobs, taken = [], set[Path]()
    for image, relative in found.items():
        stem = relative.with_suffix("")
        if stems[stem] > 1:
            stem = relative.with_name(relative.name.replace(".", "_"))
        unique, number = stem, 2
        while unique in taken:
            unique, number = stem.with_name(f"{stem.name}-{number}"), number + 1
        taken.add(unique)
        jobs.append(Job(image, out / unique))
    return jobs


def _expand(text: str) -> list[tuple[Path, Path]]:
    """``(image, path below the folder that was named)`` of everything that ``text`` means."""
    path = Path(text)
    if path.is_dir():
        inside = sorted(p for p in path.rglob("*") if _is_image_name(p))
        if not inside:
            raise InvalidImageError(f"there are no images in the folder {text}")
        return [(p, p.relative_to(path)) for p in inside]
    if not path.exists() and glob.has_magic(text):
        matches = sorted(Path(p) for p in glob.glob(text, recursive=True))  # noqa: PTH207
        images = [p for p in matches if p.is_file()]
        if not images:
            raise InvalidImageError(f"no file matches {text}")
        return [(p, Path(p.name)) for p in images]
    return [(path, Path(path.name))]


def _is_image_name(path: Path) -> bool:
    from PIL import Image

    hidden = any(part.startswith(".") for part in path.parts if part not in (".", ".."))
    known = Image.registered_extensions()
    return not hidden and path.suffix.lower() in known and path.is_file()
