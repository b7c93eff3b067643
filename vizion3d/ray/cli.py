"""``vizion3d batch``: photos without number, on one machine or many."""

import json
from typing import Annotated, Literal

import typer

from vizion3d.cli import options as o
from vizion3d.cli.log import show_log
from vizion3d.errors import InvalidConfigError
from vizion3d.ray.job import Progress, Workers
from vizion3d.ray.job import batch as run_batch

PANEL = "Workers"


def parse_workers(text: str | None) -> Workers | None:
    """``"4"`` or ``"1:8"``; anything else is a usage error."""
    if text is None:
        return None
    try:
        numbers = [int(part) for part in text.split(":")]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 2) or min(numbers) < 1 or numbers != sorted(numbers):
        raise typer.BadParameter(f"{text!r}; write a number, or MIN:MAX")
    return numbers[0] if len(numbers) == 1 else (numbers[0], numbers[1])


def parse_parameters(lines: list[str]) -> dict[str, object]:
    """``["fov=60", "frame=opengl"]`` -> fields; what is JSON is read as such.

    Raises:
        InvalidConfigError: A line has no ``=``.
    """
    fields: dict[str, object] = {}
    for line in lines:
        name, equals, text = line.partition("=")
        if not (name and equals):
            raise InvalidConfigError(f"--set takes NAME=VALUE, got {line!r}")
        try:
            fields[name] = json.loads(text)
        except ValueError:
            fields[name] = text
    return fields


def batch(
    source: Annotated[
        str,
        typer.Argument(
            help="Folder, quoted glob, list file (.txt), Parquet, WebDataset (.tar) or video; here "
            "or s3://, gs://, az:// ..."
        ),
    ],
    destination: Annotated[str, typer.Argument(help="Folder for the results, here or as a URI.")],
    model: o.Model = "default",
    save: Annotated[
        str,
        typer.Option(help="What to write for each photo, as for --save of the task's own command."),
    ] = "png",
    into: Annotated[
        Literal["files", "parquet", "webdataset"],
        typer.Option(help="A file for each photo and format, or tables or shards of many."),
    ] = "files",
    task: Annotated[
        str, typer.Option(help="depth_estimation, or stereo_depth for pairs.")
    ] = "depth_estimation",
    parameters: Annotated[
        list[str],
        typer.Option(
            "--set", metavar="NAME=VALUE", help="A field of the task's config; repeatable."
        ),
    ] = [],  # noqa: B006 (typer copies it)
    input_size: o.InputSize = None,
    workers: Annotated[
        str | None, typer.Option(help="How many workers: N, or MIN:MAX.", rich_help_panel=PANEL)
    ] = None,
    cpus_per_worker: Annotated[
        int | None,
        typer.Option(
            help="Cores of each worker (the machine's, divided).", min=1, rich_help_panel=PANEL
        ),
    ] = None,
    gpus_per_worker: Annotated[
        float,
        typer.Option(help="GPUs of each; 0.5: two share one GPU.", min=0, rich_help_panel=PANEL),
    ] = 0.0,
    address: Annotated[
        str | None,
        typer.Option(
            help="Ray cluster to join; auto: the one that this machine belongs to (one is started "
            "here).",
            rich_help_panel=PANEL,
        ),
    ] = None,
    chunk_photos: Annotated[
        int | None,
        typer.Option(
            help="Photos that a worker takes at a time, and that a table or shard holds.",
            min=1,
            rich_help_panel=PANEL,
        ),
    ] = None,
    device: o.Device = None,
    precision: o.PrecisionOption = None,
    resume: Annotated[
        bool, typer.Option(help="Leave out photos whose results are at the destination already.")
    ] = True,
    retry_failed: Annotated[
        bool,
        typer.Option("--retry-failed", help="Do the photos again that failed in an earlier run."),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count the photos.")] = False,
) -> None:
    """Run a task on any number of photos, on Ray: one machine, or a cluster."""
    show_log()
    fields = parse_parameters(parameters)
    if input_size is not None:
        fields["input_size"] = input_size
    with Bar() as bar:
        summary = run_batch(
            source,
            destination,
            task=task,
            model=model,
            save=[name.strip() for name in save.split(",") if name.strip()],
            into=into,
            parameters=fields,
            workers=parse_workers(workers),
            cpus_per_worker=cpus_per_worker,
            gpus_per_worker=gpus_per_worker,
            address=address,
            resume=resume,
            retry_failed=retry_failed,
            dry_run=dry_run,
            chunk_photos=chunk_photos,
            device=device,
            precision=precision,
            progress=bar.show,
        )
    if dry_run:
        typer.echo(f"{summary.photos} photos to do, {summary.skipped} complete already")
        return
    for name, error in summary.errors:
        typer.echo(f"failed: {name}: {error}", err=True)
    typer.echo(
        f"{summary.photos} photos in {summary.seconds:.1f} s, {summary.skipped} complete already, "
        f"{summary.failed} failed -> {destination}"
    )
    if summary.failed:
        raise typer.Exit(1)


class Bar:
    """Progress on the terminal: photos, their rate, the time that is left, errors."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars

        console = Console(stderr=True)
        self._bars = Bars(
            TextColumn("batch"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]:.2f}/s"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[failed]} failed"),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bars.add_task("batch", total=None, rate=0.0, failed=0)

    def __enter__(self) -> "Bar":
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def show(self, told: Progress) -> None:
        """Show where the job is."""
        self._bars.update(
            self._task,
            completed=told.done,
            total=told.left,
            rate=told.done / max(told.seconds, 1e-9),
            failed=told.failed,
        )
