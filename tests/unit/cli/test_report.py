from pathlib import Path

import pytest
import typer

from vizion3d.cli.inputs import Job
from vizion3d.cli.report import report
from vizion3d.errors import CheckpointError, InferenceError, InvalidImageError

JOBS = [Job(Path(f"{name}.jpg"), Path("out") / name) for name in "abcd"]


def test_every_job_is_told_with_its_files(capsys: pytest.CaptureFixture[str]) -> None:
    report("depth", JOBS[:2], ["one", "two"], [".png", ".ply"])
    told = capsys.readouterr()
    assert told.err.splitlines() == [
        "a.jpg -> out/a{.png,.ply} (one)",
        "b.jpg -> out/b{.png,.ply} (two)",
    ]
    assert told.out.splitlines() == ["out/a.png", "out/a.ply", "out/b.png", "out/b.ply"]


def test_what_failed_is_told_at_the_end_with_exit_code_1(
    capsys: pytest.CaptureFixture[str],
) -> None:
    notes: list[str | Exception] = [
        InvalidImageError("broken"),
        "fine",
        InferenceError("not finite"),
        OSError(28, "No space left on device", "out/d.png"),
    ]
    with pytest.raises(typer.Exit) as ended:
        report("depth", JOBS, notes, [".png"])
    assert ended.value.exit_code == 1
    assert capsys.readouterr().err.splitlines() == [
        "b.jpg -> out/b{.png} (fine)",
        "failed: a.jpg: broken",
        "failed: c.jpg: not finite",
        "failed: d.jpg: out/d.png: No space left on device",
        "3 of 4 images failed",
    ]


def test_what_would_fail_every_image_ends_it() -> None:
    with pytest.raises(CheckpointError, match="no such model"):
        report("depth", JOBS[:2], [CheckpointError("no such model"), "fine"], [".png"])
