"""Reporting on many images: a progress bar, a line for each, and the failures at the end."""

from collections.abc import Iterable, Sequence

import typer

from vizion3d.cli.inputs import Job
from vizion3d.core.words import in_words
from vizion3d.errors import InferenceError, InvalidImageError


def report(
    what: str, jobs: Sequence[Job], notes: Iterable[str | Exception], endings: Sequence[str]
) -> None:
    """Print a line for every finished job, and the failures at the end, with exit code 1.

    The lines go to standard error; the paths of the files, one a line, to standard output.

    Args:
        what: Label of the progress bar: ``"depth"``.
        jobs: The images.
        notes: For each job, in order, a remark, or the error that it failed with.
        endings: Endings of the files written for each job.

    Raises:
        Exception: An error in ``notes`` that would occur for every other image, too.
    """
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    failed: list[tuple[Job, Exception]] = []
    bar = track(
        zip(jobs, notes, strict=True),
        total=len(jobs),
        description=what,
        console=console,
        disable=len(jobs) < 2 or not console.is_terminal,
    )
    for job, note in bar:
        # Anything else (a checkpoint, an option) would fail every other image too.
        if isinstance(note, InvalidImageError | InferenceError | OSError):
            failed.append((job, note))
        elif isinstance(note, Exception):
            raise note
        else:
            files = f"{job.stem}{{{','.join(endings)}}}"
            console.print(f"{job.image} -> {files} ({note})", markup=False, soft_wrap=True)
            for ending in endings:
                typer.echo(job.stem.with_name(job.stem.name + ending))
    for job, reason in failed:
        typer.echo(f"failed: {job.image}: {in_words(reason)}", err=True)
    if failed:
        typer.echo(f"{len(failed)} of {len(jobs)} images failed", err=True)
        raise typer.Exit(1)
