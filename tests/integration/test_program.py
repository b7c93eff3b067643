"""The command line as a user runs it: a process, its files, its exit code, Ctrl-C."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from tests.support.videos import panning, write_video
from vizion3d import __version__
from vizion3d.outputs.formats import FORMATS

pytestmark = pytest.mark.process

PROGRAM = [sys.executable, "-c", "from vizion3d.programs.cli import main; main()"]


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "200", **environment},
        check=False,
    )


def test_a_folder_with_a_broken_photo(folder: Path, tiny: Path) -> None:
    out = folder / "out"
    ended = run("depth", folder, "--model", tiny, "--out", out, "--input-size", 98)
    assert ended.returncode == 1
    assert "failed:" in ended.stderr
    assert "broken.jpg is truncated or damaged" in ended.stderr
    assert "1 of 3 images failed" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "EXIF focal length" in ended.stderr
    assert "primesense scaled to 150x100" in ended.stderr
    assert sorted(p.name for p in out.iterdir()) == [
        "phone.color.png",
        "phone.depth.png",
        "phone.ply",
        "plain.color.png",
        "plain.depth.png",
        "plain.ply",
    ]


def test_ctrl_c_leaves_no_half_written_file(folder: Path, tiny: Path) -> None:
    photo = Image.open(folder / "plain.png").resize((900, 600))
    for number in range(40):
        photo.save(folder / f"many-{number:02}.png")
    out = folder / "out"
    arguments = ["depth", str(folder / "many-*.png"), "--model", str(tiny), "--out", str(out)]
    process = subprocess.Popen(
        [*PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while len(list(out.glob("*.ply"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in errors
    written = list(out.iterdir())
    assert 0 < len(written) < 120
    assert not [p for p in written if p.name.startswith(".") or ".part" in p.name]
    for path in out.glob("*.ply"):
        header, _, body = path.read_bytes().partition(b"end_header\n")
        count = int(header.split(b"element vertex ")[1].split()[0])
        assert len(body) == 15 * count


def test_ctrl_c_leaves_no_half_of_a_video(tiny: Path, tmp_path: Path) -> None:
    original = write_video(tmp_path / "in.mp4", panning(100) * 6)
    out = tmp_path / "out"
    arguments = ("video", original, "--model", tiny, "--out", out / "depth.mp4")
    process = subprocess.Popen([*PROGRAM, *map(str, arguments)], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list(out.glob(".depth.*.part.mp4")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert list(out.iterdir()) == []


def test_doctor_tells_the_remedy_of_a_broken_open3d(tmp_path: Path) -> None:
    (tmp_path / "open3d.py").write_text("raise OSError('libGL.so.1: cannot open')")
    told = run("doctor", PYTHONPATH=str(tmp_path), VIZION3D_MODEL_CACHE=str(tmp_path))
    assert told.returncode == 1
    assert "AMISS      Open3D cannot be imported" in told.stdout
    assert "apt-get install libusb-1.0-0" in told.stdout


def test_no_file_needs_open3d(folder: Path, tiny: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "open3d.py").write_text("raise OSError('libGL.so.1: cannot open')")
    arguments = ("depth", folder / "plain.png", "--model", tiny, "--input-size", 98)
    out = ("--out", tmp_path / "out")
    save = ",".join(row.name for row in FORMATS)
    works = run(*arguments, *out, "--save", save, PYTHONPATH=str(broken))
    assert works.returncode == 0, works.stderr
    assert len(list((tmp_path / "out").iterdir())) == len(FORMATS)


def test_version() -> None:
    assert run("--version").stdout.strip() == f"vizion3d {__version__}"
