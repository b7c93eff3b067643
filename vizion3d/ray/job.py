"""A batch job: from everything in a source to everything in a destination."""

import json
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from vizion3d.checkpoints.catalogue import METHODS
from vizion3d.checkpoints.commands import DownloadModelCommand
from vizion3d.checkpoints.queries import ModelInfoQuery
from vizion3d.errors import InvalidConfigError, Vizion3DError
from vizion3d.ray.cluster import connected
from vizion3d.ray.failures import forget_failures
from vizion3d.ray.files import Files
from vizion3d.ray.samples import samples_of
from vizion3d.ray.sinks import ERRORS, SUMMARY, Into
from vizion3d.ray.sources import Chunk, plan, without
from vizion3d.ray.worker import CHUNK, Job, Worker

logger = logging.getLogger(__name__)

Workers = int | tuple[int, int]

PHOTOS_A_CHUNK = 16
"""Of files: the less, the more evenly workers end; of a shard it is also its length."""
SHARD_PHOTOS = 256
CHUNKS_AT_ONCE = 2
"""That a worker holds: the next begins when all photos of the one before are under way."""
FORWARDED = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION")
"""Variables of the job's own process that workers get, beside ``VIZION3D_*``."""


@dataclass(frozen=True)
class Progress:
    """Where a job is.

    Attributes:
        done: Photos that are finished, also those that failed, without those of a job before.
        failed: Of these.
        left: Photos that are to do; ``None`` where only reading all of the source would tell.
        seconds: Since the job began.
    """

    done: int
    failed: int
    left: int | None
    seconds: float


@dataclass(frozen=True)
class Summary:
    """What came of a job.

    Attributes:
        photos: That were done now, failed ones included; with ``dry_run``: that would be.
        failed: Photos of the destination that have an error in the place of their results.
        skipped: Photos that were complete already.
        seconds: It took; without the start of Ray.
        workers: At work, at most.
        model: The checkpoint.
        errors: The first hundred errors: id and message; all are in ``vizion3d-errors.jsonl``.
    """

    photos: int
    failed: int
    skipped: int
    seconds: float
    workers: int
    model: str
    errors: tuple[tuple[str, str], ...] = ()


def batch(
    source: str | os.PathLike[str],
    destination: str | os.PathLike[str],
    *,
    task: str = "depth_estimation",
    model: str = "default",
    save: Sequence[str] = ("png",),
    into: Into = "files",
    parameters: Mapping[str, Any] | None = None,
    workers: Workers | None = None,
    cpus_per_worker: int | None = None,
    gpus_per_worker: float = 0.0,
    address: str | None = None,
    resume: bool = True,
    retry_failed: bool = False,
    dry_run: bool = False,
    chunk_photos: int | None = None,
    device: str | None = None,
    precision: str | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Summary:
    """Run a task on every photo of a source, on Ray Data.

    A photo that cannot be read is a row with its error (in tables and shards, and in
    ``vizion3d-errors.jsonl``), not the end of the job. A worker that dies is replaced, and its
    photos are done again, under the same names. A job that was ended goes on where it was.

    Example:
        ```python
        from vizion3d.ray import batch

        summary = batch("photos", "results", model="nano", save=("png", "npy"))
        print(summary.photos, summary.failed)
        ```

    Args:
        source: A folder, a glob, a list file (``.txt``: an address a line), Parquet files (a column
            ``image``), WebDataset shards (``.tar``), videos; on this machine or as a URI
            (``s3://``, ``gs://``, ``az://`` ...).
        destination: A folder, here or as a URI.
        task: ``"depth_estimation"``, or ``"stereo_depth"``, whose pairs are files ending in
            ``_left`` and ``_right``, or columns ``left_image`` and ``right_image``.
        model: The checkpoint: a name, a URL or a path.
        save: Names of formats, as for ``vizion3d depth --save``.
        into: ``"files"``: one for each photo and format; ``"parquet"`` or ``"webdataset"``: tables
            or shards of many.
        parameters: Fields of the task's configuration, ``input_size`` ...; what is not set is as on
            the task's own command line.
        workers: How many, or the fewest and the most; one for each ``cpus_per_worker`` cores, or
            for each GPU's part, by default.
        cpus_per_worker: Cores of each; by default the machine's, divided among the workers.
        gpus_per_worker: GPUs of each; 0.5 is two workers a GPU.
        address: As :func:`vizion3d.ray.cluster.connected`.
        resume: Leave out what the destination has.
        retry_failed: Do the photos of rows that failed again; of files, these are always.
        dry_run: Only count.
        chunk_photos: Photos that a worker takes at a time; also the length of tables and shards.
        device: As ``VIZION3D_DEVICE``; ``None`` leaves it to that.
        precision: As ``VIZION3D_PRECISION``; ``None`` leaves it to that.
        progress: Is told now and then.

    Raises:
        InvalidConfigError: Something asked for makes no sense.
        InvalidImageError: The source is empty.
        CheckpointError: The model cannot be loaded.
        MissingDependencyError: Ray or pyarrow is not installed.
    """
    source, destination = os.fspath(source), os.fspath(destination)
    if "://" not in destination:
        destination = os.path.abspath(destination)  # noqa: PTH100 (a text goes to the workers)
    job = Job(
        task, model, dict(parameters or {}), tuple(save), destination, into, device, precision
    )
    tensors = job.tensors
    job.command(dict.fromkeys(tensors.images, b""))
    sink = job.sink()
    size = chunk_photos or (PHOTOS_A_CHUNK if into == "files" else SHARD_PHOTOS)
    chunks = plan(source, tensors.images, tensors.endings, destination, size)
    photos = [photo for chunk in chunks for photo in chunk.photos]
    if retry_failed and not dry_run:
        forget_failures(Files(destination), into)
    done = sink.done(photos) if resume else {}
    if retry_failed:
        done = {name: error for name, error in done.items() if not error}
    left = without(chunks, frozenset(done), size)
    known = all(chunk.kind == "files" for chunk in left)
    wanted = sum(len(chunk.photos) for chunk in left) if known else None
    if dry_run:
        count = sum(1 for chunk in left for _ in samples_of(chunk, tensors.images))
        return Summary(count, 0, len(done), 0.0, 0, model)
    if left and model not in METHODS:  # before anything is started
        container = job.container()
        container.commands.dispatch(DownloadModelCommand(model))
        container.queries.dispatch(ModelInfoQuery(model))
    layout = Layout.of(workers, cpus_per_worker, gpus_per_worker, address, len(left))
    begin = time.perf_counter()
    errors = [(name, error) for name, error in done.items() if error]
    finished, reports = 0, set()
    with connected(address, layout.cpus * layout.most):
        begin = time.perf_counter()
        for report in _run(job, left, layout) if left else ():
            if report["key"] in reports:
                continue
            reports.add(report["key"])
            finished += report["photos"]
            errors += [(told["id"], told["error"]) for told in json.loads(report["errors"])]
            if progress is not None:
                spent_s = time.perf_counter() - begin
                progress(Progress(finished, len(errors), wanted, spent_s))
    seconds = time.perf_counter() - begin
    files = Files(destination)
    lines = [json.dumps({"id": name, "error": error}) + "\n" for name, error in errors]
    files.write(ERRORS, "".join(lines).encode())
    summary = Summary(
        finished,
        len(errors),
        len(done),
        round(seconds, 3),
        layout.most,
        model,
        tuple(errors[:100]),
    )
    files.write(SUMMARY, json.dumps(asdict(summary), indent=2).encode() + b"\n")
    return summary


@dataclass(frozen=True)
class Layout:
    """How a job's workers are laid out.

    Attributes:
        fewest: Workers that always are.
        most: Workers that may be.
        cpus: Cores of each.
        gpus: GPUs of each.
    """

    fewest: int
    most: int
    cpus: int
    gpus: float

    @classmethod
    def of(
        cls,
        workers: Workers | None,
        cpus: int | None,
        gpus: float,
        address: str | None,
        chunks: int,
    ) -> "Layout":
        """What is asked for, with what follows from it.

        Raises:
            InvalidConfigError: It makes no sense.
        """
        cores = os.cpu_count() or 1
        if workers is None:
            workers = 1 if address is None else (1, max(1, chunks))
        fewest, most = (workers, workers) if isinstance(workers, int) else workers
        if not 1 <= fewest <= most or gpus < 0 or (cpus is not None and cpus < 1):
            raise InvalidConfigError(
                "workers must be N, or MIN and MAX with 1 <= MIN <= MAX, each with at least one "
                f"core; got workers={workers!r}, cpus_per_worker={cpus!r}, "
                f"gpus_per_worker={gpus!r}"
            )
        most = max(1, min(most, chunks))
        return cls(min(fewest, most), most, cpus or max(1, cores // most), gpus)


def _run(job: Job, chunks: Sequence[Chunk], layout: Layout) -> Iterator[dict[str, Any]]:
    """The reports of chunks, as they are done."""
    import cloudpickle
    import ray

    logging.getLogger("ray.data").setLevel(logging.WARNING)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    rows = [{CHUNK: cloudpickle.dumps(chunk)} for chunk in chunks]
    dataset = ray.data.from_items(rows, override_num_blocks=len(rows)).map_batches(
        Worker,
        fn_constructor_args=(job, 0 if layout.gpus else layout.cpus),
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(
            min_size=layout.fewest,
            max_size=layout.most,
            max_concurrent_calls_per_actor=CHUNKS_AT_ONCE,
            max_tasks_in_flight_per_actor=CHUNKS_AT_ONCE,
            enable_true_multi_threading=True,
        ),
        num_cpus=layout.cpus,
        num_gpus=layout.gpus or None,
        runtime_env={"env_vars": _environment()},
    )
    try:
        yield from dataset.iter_rows()
    except ray.exceptions.RayError as error:
        cause = _ours(error)
        raise cause if cause is not None else error from None


def _environment() -> dict[str, str]:
    """What workers on other machines are to know of this process's environment: no credentials,
    which would stand in Ray's own tables."""
    return {
        name: value
        for name, value in os.environ.items()
        if name.startswith("VIZION3D_") or name in FORWARDED
    }


def _ours(error: BaseException | None) -> Vizion3DError | None:
    """The error of ours that Ray wrapped, if there is one."""
    while error is not None:
        if isinstance(error, Vizion3DError):
            return error
        error = getattr(error, "cause", None) or error.__cause__
    return None
