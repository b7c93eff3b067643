"""The pairs that the command line names, and where their results go."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import typer

from vizion3d.cli.inputs import Job, find_jobs
from vizion3d.errors import InvalidImageError
from vizion3d.media import images
from vizion3d.stereo.halves import split


@dataclass(frozen=True)
class PairJob(Job):
    """A pair, and where its results go.

    Attributes:
        right: The right photo; ``None``: ``image`` holds both.
    """

    right: Path | None = None

    def load(self, max_pixels: int) -> tuple[images.ImageInput, images.ImageInput]:
        """What a command takes for the two images."""
        if self.right is not None:
            return self.image, self.right
        return split(images.decode(self.image, 2 * max_pixels), str(self.image))


def find_pairs(
    photos: list[str], pairs: tuple[str, str] | None, side_by_side: str | None, out: Path
) -> Iterator[PairJob]:
    """The pairs that are named in one of three ways.

    Args:
        photos: The left and the right photo.
        pairs: Folders or globs of left and of right photos.
        side_by_side: A photo, folder or glob of photos that hold both views.
        out: Folder of the results.

    Raises:
        typer.BadParameter: They are named in no way or in several, or there are not two photos.
        InvalidImageError: There are not as many right photos as left ones, or one is missing.
    """
    if sum((bool(photos), pairs is not None, side_by_side is not None)) != 1:
        raise typer.BadParameter("give LEFT and RIGHT, or --pairs, or --side-by-side")
    if side_by_side is not None:
        yield from (PairJob(job.image, job.stem) for job in find_jobs([side_by_side], out))
        return
    if pairs is None:
        if len(photos) != 2:
            raise typer.BadParameter(f"two photos are needed, LEFT and RIGHT; got {len(photos)}")
        pairs = photos[0], photos[1]
    lefts, rights = (find_jobs([side], out) for side in pairs)
    if len(lefts) != len(rights):
        raise InvalidImageError(
            f"{pairs[0]} holds {len(lefts)} photos and {pairs[1]} {len(rights)}; there must be as "
            "many right photos as left ones"
        )
    for left, right in zip(lefts, rights, strict=True):
        for photo in (left.image, right.image):
            if not photo.exists():
                raise InvalidImageError(f"there is no file {photo}; check the path")
        yield PairJob(left.image, left.stem, right.image)
