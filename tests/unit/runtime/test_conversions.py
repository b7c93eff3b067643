import logging
import multiprocessing
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support.checkpoints import checkpoint_at, save_checkpoint
from tests.support.fakes import METRIC, RELATIVE
from vizion3d.checkpoints.store import Checkpoint
from vizion3d.errors import CheckpointError
from vizion3d.runtime.conversions import FOLDER, ConversionStore
from vizion3d.runtime.openvino_library import best_precision
from vizion3d.runtime.openvino_runtime import OpenVinoRuntime

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a checkpoint and a cache that holds its fp32 conversion; not to be changed."""
    folder = tmp_path_factory.mktemp("made")
    checkpoint = checkpoint_at(save_checkpoint(folder / "tiny.pth"))
    ConversionStore(folder / "cache").get(checkpoint, "fp32")
    return folder


@pytest.fixture
def tiny(tmp_path: Path, made: Path) -> Checkpoint:
    return checkpoint_at(Path(shutil.copy(made / "tiny.pth", tmp_path)))


@pytest.fixture
def store(tmp_path: Path) -> ConversionStore:
    """Empty."""
    return ConversionStore(tmp_path / "cache")


@pytest.fixture
def kept(tmp_path: Path, made: Path) -> ConversionStore:
    """Holds ``tiny``'s fp32 conversion."""
    shutil.copytree(made / "cache", tmp_path / "cache")
    return ConversionStore(tmp_path / "cache")


def converted_folders(tmp_path: Path) -> list[Path]:
    return [p for p in (tmp_path / "cache" / FOLDER).iterdir() if p.is_dir()]


def test_a_network_is_converted_once_and_kept(
    tmp_path: Path, tiny: Checkpoint, store: ConversionStore
) -> None:
    assert not store.has(tiny)
    first = store.get(tiny, "fp32")
    assert store.has(tiny)
    (folder,) = converted_folders(tmp_path)
    changed = (folder / "network.blob").stat().st_mtime_ns
    second = store.get(tiny, "fp32")
    assert np.array_equal(first.constants["positions"], second.constants["positions"])
    assert (folder / "network.blob").stat().st_mtime_ns == changed


def test_the_key_is_the_content_not_the_path(
    tmp_path: Path, tiny: Checkpoint, kept: ConversionStore
) -> None:
    copy = Checkpoint(tmp_path / "copy.pth", tiny.network)
    shutil.copy(tiny.path, copy.path)
    kept.get(copy, "fp32")
    assert len(converted_folders(tmp_path)) == 1, "the copy's content was converted already"
    save_checkpoint(copy.path, seed=1)
    assert not kept.has(copy)
    kept.get(copy, "fp32")
    assert len(converted_folders(tmp_path)) == 2


@pytest.mark.parametrize("name", ["network.blob", "constants.npz"])
@pytest.mark.parametrize("damage", ["gone", "cut"])
def test_a_damaged_conversion_is_made_anew(
    tmp_path: Path, tiny: Checkpoint, kept: ConversionStore, name: str, damage: str
) -> None:
    (folder,) = converted_folders(tmp_path)
    whole = (folder / name).read_bytes()
    (folder / name).unlink()
    if damage == "cut":
        (folder / name).write_bytes(whole[: len(whole) // 2])
    kept.get(tiny, "fp32")
    mended = (folder / name).stat()
    assert mended.st_size == pytest.approx(len(whole), rel=0.01), "names in it are numbered on"
    kept.get(tiny, "fp32")
    assert (folder / name).stat().st_mtime_ns == mended.st_mtime_ns, "it is whole again"


def test_relative_and_metric_readings_are_kept_apart(
    tmp_path: Path, tiny: Checkpoint, kept: ConversionStore
) -> None:
    kept.get(Checkpoint(tiny.path, METRIC), "fp32")
    assert len(converted_folders(tmp_path)) == 2


def test_precisions_are_kept_apart_and_reduced_ones_take_half(
    tmp_path: Path, tiny: Checkpoint, kept: ConversionStore
) -> None:
    kept.get(tiny, "bf16")
    sizes = {
        p.name.split("-")[3]: (p / "network.blob").stat().st_size
        for p in converted_folders(tmp_path)
    }
    assert sizes.keys() == {"fp32", "bf16"}
    assert sizes["bf16"] < 0.7 * sizes["fp32"]


def test_a_network_compiled_for_another_cpu_or_openvino_is_not_taken(
    tmp_path: Path, tiny: Checkpoint, kept: ConversionStore
) -> None:
    (folder,) = converted_folders(tmp_path)
    other = folder.rename(folder.with_name(folder.name[:-8] + "0" * 8))
    kept.get(tiny, "fp32")
    assert set(converted_folders(tmp_path)) == {folder, other}


def test_a_kept_network_gives_the_depth_of_the_one_just_converted(
    tiny: Checkpoint, store: ConversionStore
) -> None:
    image = np.random.default_rng(0).integers(0, 256, (1, 40, 50, 3), np.uint8)
    for precision in ("fp32", "bf16"):
        made, kept = (OpenVinoRuntime(tiny, store, precision) for _ in range(2))
        for size in ((70, 98), (28, 42)):
            first, second = (r.infer({"image": image}, size)["depth"] for r in (made, kept))
            assert np.array_equal(first, second)


def test_clearing_frees_everything_and_the_checkpoint_stays(
    tiny: Checkpoint, kept: ConversionStore
) -> None:
    assert kept.clear() > 1_000_000
    assert not kept.has(tiny)
    assert tiny.path.is_file()
    assert kept.clear() == 0
    kept.get(tiny, "fp32")
    assert kept.has(tiny)


def test_a_cache_that_cannot_be_written_is_no_obstacle(
    tmp_path: Path, tiny: Checkpoint, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    with caplog.at_level(logging.WARNING, logger="vizion3d"):
        converted = ConversionStore(tmp_path / "file").get(tiny, "fp32")
    assert len(converted.network.inputs) == 2
    assert "cannot keep converted networks" in caplog.text


def test_what_is_no_checkpoint_leaves_nothing(tmp_path: Path, store: ConversionStore) -> None:
    path = tmp_path / "bad.pth"
    path.write_bytes(b"garbage")
    with pytest.raises(CheckpointError):
        store.get(Checkpoint(path, RELATIVE), "fp32")
    assert converted_folders(tmp_path) == []


def _convert(checkpoint: Checkpoint, cache: Path) -> None:
    OpenVinoRuntime(checkpoint, ConversionStore(cache), "fp32")


def test_two_processes_convert_without_disturbing_each_other(
    tmp_path: Path, tiny: Checkpoint
) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=_convert, args=(tiny, tmp_path / "cache")) for _ in range(2)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0]
    assert len(converted_folders(tmp_path)) == 1


def test_once_converted_a_fresh_process_imports_no_torch(
    tmp_path: Path, tiny: Checkpoint, store: ConversionStore
) -> None:
    store.get(tiny, best_precision())
    program = (
        "import sys\n"
        "from vizion3d.app import build_container\n"
        "from vizion3d.lifting import DepthEstimationCommand\n"
        "from vizion3d.settings import load_settings\n"
        "import numpy as np\n"
        f"settings = load_settings(model_cache={str(tmp_path / 'cache')!r}, runtime='openvino')\n"
        "command = DepthEstimationCommand(\n"
        "    np.zeros((20, 30, 3), np.uint8), model_backend=sys.argv[1],\n"
        "    input_size=56)\n"
        "print(build_container(settings).commands.dispatch(command).raw_depth.shape)\n"
        "print([name for name in ('torch', 'requests') if name in sys.modules])\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, tiny.path], capture_output=True, text=True, check=True
    )
    assert run.stdout.split("\n")[:2] == ["(20, 30)", "[]"]


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_converting_and_inferring_report_to_nobody(
    uncounted: None, tmp_path: Path, tiny: Checkpoint, precision: str
) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "import numpy as np\n"
        "from vizion3d.checkpoints.store import CheckpointStore\n"
        "from vizion3d.runtime.conversions import ConversionStore\n"
        "from vizion3d.runtime.openvino_runtime import OpenVinoRuntime\n"
        "path, cache = Path(sys.argv[1]), ConversionStore(Path(sys.argv[2]))\n"
        "checkpoint = CheckpointStore(path.parent).read(path).checkpoint\n"
        "runtime = OpenVinoRuntime(checkpoint, cache, sys.argv[3])\n"
        "runtime.infer({'image': np.zeros((1, 9, 9, 3), np.uint8)}, (28, 28))\n"
        "print([name for name in sys.modules if name.startswith('openvino_telemetry')])\n"
        "import openvino_telemetry\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    home = tmp_path / "home"
    home.mkdir()
    run = subprocess.run(
        [sys.executable, "-c", program, tiny.path, tmp_path / "cache", precision],
        capture_output=True,
        text=True,
        env={**environment, "HOME": str(home)},
        check=False,
    )
    assert run.returncode == 0, run.stderr
    # Neither OpenVINO nor NNCF prints anything, and afterwards others can import the package.
    assert (run.stdout.strip(), run.stderr) == ("[]", "")
    assert not (home / "intel").exists(), "where OpenVINO keeps the number of its client"
