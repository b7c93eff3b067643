"""The pipeline with its real parts: checkpoint file, torch, Open3D."""

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support import photos
from tests.support.checkpoints import save_checkpoint
from tests.support.http_server import Served, serve
from vizion3d.app import build_container
from vizion3d.checkpoints.queries import ListModelsQuery
from vizion3d.errors import CheckpointError
from vizion3d.lifting import DepthEstimation, DepthEstimationCommand
from vizion3d.runtime.many import BatchSize
from vizion3d.settings import Settings

pytestmark = pytest.mark.slow


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return save_checkpoint(tmp_path / "tiny.pth")


def test_every_kind_of_input_gives_the_same_depth(tiny: Path, tmp_path: Path) -> None:
    photo = photos.coffee()
    path = tmp_path / "coffee.png"
    Image.fromarray(photo).save(path)
    commands = build_container(Settings()).commands
    depths = [
        commands.dispatch(DepthEstimationCommand(given, model_backend=str(tiny))).raw_depth
        for given in (str(path), path, path.read_bytes(), Image.open(path), photo)
    ]
    assert depths[0].shape == photo.shape[:2]
    assert np.ptp(depths[0]) > 0.5
    assert all(np.array_equal(depth, depths[0]) for depth in depths)


def test_a_url_is_downloaded_once_and_listed(tiny: Path, tmp_path: Path) -> None:
    served = Served(tiny.read_bytes())
    container = build_container(Settings(model_cache=tmp_path / "cache"))
    with serve(served) as url:
        for _ in range(2):
            command = DepthEstimationCommand(photos.astronaut(), model_backend=f"{url}/mine.pth")
            result = container.commands.dispatch(command)
    used = Path(result.backend_used)
    assert used.is_relative_to(tmp_path / "cache")
    assert len(served.ranges) == 1
    (info,) = [m for m in container.queries.dispatch(ListModelsQuery()) if m.path == used]
    assert info.cached
    assert info.loaded is not None
    assert info.converted == info.loaded.startswith("openvino")


def test_threads_share_one_model_and_get_the_same_depth(tiny: Path) -> None:
    commands = build_container(Settings()).commands
    photo = photos.coffee()[:64, :96]
    depths: list[np.ndarray] = []

    def work() -> None:
        command = DepthEstimationCommand(photo, model_backend=str(tiny), input_size=98)
        depths.append(commands.dispatch(command).raw_depth)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(depths) == 6
    assert all(np.allclose(depth, depths[0], atol=1e-5) for depth in depths)


@pytest.mark.parametrize("batch_size", ["auto", 3])
def test_many_give_what_each_gives_alone(tiny: Path, batch_size: BatchSize) -> None:
    tall = photos.astronaut()[:96, :64]
    images = [photos.coffee()[i : i + 64, i : i + 96] for i in range(8)] + [tall, tall[:1, :1]]
    commands = [
        DepthEstimationCommand(image, model_backend=str(tiny), input_size=98) for image in images
    ]
    many = list(DepthEstimation().run_many(commands, batch_size=batch_size))
    assert len(many) == len(commands)
    for image, command, result in zip(images, commands, many, strict=True):
        alone = DepthEstimation().run(command).raw_depth
        assert result.raw_depth.shape == image.shape[:2]
        assert np.abs(result.raw_depth - alone).max() <= 1e-5 * np.ptp(many[0].raw_depth)


def test_the_facade_raises_our_error_for_a_hostile_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "not-weights.pth"
    path.write_bytes(b"garbage")
    with pytest.raises(CheckpointError, match=r"cannot be read as a checkpoint.*It may be damaged"):
        DepthEstimation().run(DepthEstimationCommand(photos.coffee(), model_backend=str(path)))


def test_a_metric_checkpoint_gives_metres(tmp_path: Path) -> None:
    path = save_checkpoint(
        tmp_path / "depth_anything_v2_metric_hypersim_vits.pth", max_depth_m=20.0
    )
    command = DepthEstimationCommand(
        photos.coffee(), model_backend=str(path), return_point_cloud=True
    )
    result = build_container(Settings()).commands.dispatch(command)
    assert result.depth_kind == "metric"
    assert 0 < result.min_depth < result.max_depth < 20
    assert result.point_cloud is not None
    z = np.asarray(result.point_cloud.points)[:, 2]
    expected = result.raw_depth
    assert expected.max() > 10, "beyond the default of a relative checkpoint"
    np.testing.assert_allclose(np.sort(z), np.sort(expected.ravel()), rtol=1e-5)


MEMORY_PROGRAM = r"""
import re, sys
from pathlib import Path
from vizion3d.lifting import DepthEstimation, DepthEstimationCommand
command = DepthEstimationCommand(
    sys.argv[1], model_backend=sys.argv[2], return_depth_image=True, return_point_cloud=True
)
result = DepthEstimation().run(command)
assert len(result.point_cloud.points) > 11_000_000, len(result.point_cloud.points)
# Not getrusage's: that begins with what the process that started this one had.
print(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.process
def test_a_12_megapixel_photo_stays_under_3_gigabytes(tmp_path: Path, vits: Path) -> None:
    photo = Image.fromarray(photos.coffee()).resize((4000, 3000))
    photo.save(tmp_path / "photo.jpg", quality=90)
    run = subprocess.run(
        [sys.executable, "-c", MEMORY_PROGRAM, tmp_path / "photo.jpg", vits],
        capture_output=True,
        text=True,
        check=True,
    )
    peak_bytes = int(run.stdout) * 1024
    assert peak_bytes < 3e9
