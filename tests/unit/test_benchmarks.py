"""Benchmarks take too long for a test; that they can be started is told by importing them."""

import importlib
import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import gpu_graphs, gpu_photos
from benchmarks.gpu import Bench
from benchmarks.precision import machines_of
from benchmarks.stereo_rendered import refusals, table
from tests.support import stereo_scenes as scenes
from tests.support.checkpoints import save_checkpoint
from training.stereo.real import PairWithTruth
from vizion3d.runtime.torch_runtime import TorchRuntime

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[2] / "benchmarks"
# What runs in another environment, under its own names.
WORKERS = {"workers", "throughput_worker"}


@pytest.mark.parametrize("name", sorted({p.stem for p in FOLDER.glob("*.py")} - WORKERS))
def test_a_benchmark_can_be_imported(name: str) -> None:
    importlib.import_module(f"benchmarks.{name}")


def test_matchers_are_measured_on_rendered_pairs() -> None:
    scene = scenes.render_pair(scenes.FRONT)
    pair = PairWithTruth(scene.left, scene.right, scene.disparity.astype(np.float32))
    plain, padded, ours = (
        [float(cell) for cell in row.split("|")[2:-1]] for row in table([pair])[2:]
    )
    assert plain[0] > 0.5  # the left 192 columns of 320 are not matched
    assert plain[2] < 0.5
    assert max(padded[0], ours[0]) < 0.02


def test_what_is_no_pair_is_counted() -> None:
    scene = scenes.render_pair(scenes.FRONT)
    other = scenes.render_pair([scenes.Plane((0, 0, 1), 1.5, 99)])
    pairs = [
        PairWithTruth(each.left, each.right, each.disparity.astype(np.float32))
        for each in (scene, other)
    ]
    counts = [row.split("|")[2:-1] for row in refusals(pairs)[2:]]
    assert [[int(cell) for cell in row] for row in counts] == [[0, 0, 2], *[[2, 0, 0]] * 4]


@pytest.mark.parametrize("kept_thread", [True, False])
def test_photos_are_measured_by_stage_and_size_of_batch(tmp_path: Path, kept_thread: bool) -> None:
    checkpoint = save_checkpoint(tmp_path / "tiny.pth")
    way = gpu_photos.Way(2, kept_thread=kept_thread, decoders=1)
    photos = gpu_photos.Photos(way, "cpu", checkpoint)
    buffer = io.BytesIO()
    Image.new("RGB", (40, 40), "grey").save(buffer, "JPEG")
    told = gpu_photos.measure(photos, [buffer.getvalue()] * 2, [1, 2], rounds=1)
    assert set(told["stages_ms"]) >= set(gpu_photos.STAGES)
    assert set(told["batches"]) <= {1, 2}
    assert sum(size * told["batches"][size][0] for size in told["batches"]) == 1 + 1 + 2
    names, cells = (
        line.split(" | ")
        for line in (gpu_photos.header([1, 2])[0], gpu_photos.row("a", told, [1, 2]))
    )
    assert len(names) == len(cells)
    assert cells[:3] == ["| a", f"{told['first_s']:.2f}", f"{1 / told['median_s'][0]:.1f}"]


def test_the_network_is_measured_alone(tmp_path: Path) -> None:
    bench = Bench(torch.device("cpu"), "tiny", 1, tmp_path, (56, 42))
    rows = [row.split("|")[1:-1] for row in gpu_photos.first_runs(bench, [1, 3])]
    assert [row[0].strip() for row in rows[2:]] == ["1", "3"]
    assert all(float(cell) > 0 for row in rows[2:] for cell in row)


def test_graphs_are_compared_with_runs_without(tmp_path: Path) -> None:
    name = "depth_anything_3, mono, tiny"
    *measured, unloaded = (
        [cell.strip() for cell in row.split("|")[1:-1]]
        for row in gpu_graphs.rows(name, torch.device("cpu"), [1], 1, tmp_path)
    )
    assert [row[:4] for row in measured] == [[name, "1", "no", "0.0e+00"]]
    assert float(measured[0][5]) > 0
    assert len(unloaded) == len(measured[0]) == gpu_graphs.HEADER[0].count("|") - 1


def test_a_network_that_reads_its_output_answers_as_nano_does(tmp_path: Path) -> None:
    reading, plain = (
        TorchRuntime(save(tmp_path), "cpu") for save in (gpu_graphs.uncapturable, gpu_graphs.nano)
    )
    images = gpu_graphs.inputs(gpu_graphs.nano(tmp_path), 1, 0)
    found, expected = (gpu_graphs.answers(runtime, [images]) for runtime in (reading, plain))
    assert gpu_graphs.furthest(found, expected) == 0


@pytest.mark.process
def test_a_checkpoint_that_is_measured_again_has_one_line_for_its_machine() -> None:
    page = ["One; 2 cores; Python 3.11", "| a row |", "nano: Two; 2 cores; Python 3.11"]
    all_, ours = machines_of(page, ["nano"])
    assert all_ == page[0]
    assert ours.startswith("nano: ")
    assert ours != page[2]
