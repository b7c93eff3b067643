from pathlib import Path

import numpy as np
import open3d as o3d
import pytest

from tests.support.checkpoints import TINY, save_checkpoint, seeded_network
from tests.support.fakes import (
    METRIC,
    RELATIVE,
    FakeStore,
    GivenDepthLoader,
    GivenDepthRuntime,
    touch,
)
from tests.support.geometry import open3d_image
from vizion3d.checkpoints.catalogue import METHODS, RELEASES
from vizion3d.checkpoints.commands import DownloadModelCommand
from vizion3d.checkpoints.queries import ListModelsQuery, ModelInfoQuery, ModelPathQuery
from vizion3d.checkpoints.store import CheckpointStore
from vizion3d.errors import CheckpointError, InferenceError, InvalidImageError
from vizion3d.lifting import DepthEstimationAdvanceConfig, DepthEstimationCommand
from vizion3d.lifting.handler import DepthEstimationHandler
from vizion3d.media.limits import ImageLimits
from vizion3d.media.reader import ImageReader
from vizion3d.networks.base import Network
from vizion3d.runtime.cache import RuntimeCache
from vizion3d.runtime.choice import runtime_loader
from vizion3d.runtime.conversions import ConversionStore
from vizion3d.runtime.models import ModelsHandler
from vizion3d.runtime.queue import DirectInference
from vizion3d.settings import Settings

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 256, (6, 8, 3), np.uint8)
DEPTH = RNG.uniform(1, 5, (6, 8)).astype(np.float32)


class Kitchen:
    """A handler with a known depth, and the fakes behind it."""

    def __init__(self, folder: Path, depth: np.ndarray, network: Network = RELATIVE) -> None:
        self.store = FakeStore(touch(folder / "fake.pth"), network)
        self.runtime = GivenDepthRuntime(depth)
        runtimes = RuntimeCache(GivenDepthLoader(self.runtime), 1)
        self.handler = DepthEstimationHandler(
            self.store, runtimes, DirectInference(), ImageReader(ImageLimits(max_pixels=10_000))
        )


def test_the_depth_is_the_runtimes_and_the_facts_are_told(tmp_path: Path) -> None:
    kitchen = Kitchen(tmp_path, DEPTH)
    result = kitchen.handler.handle(DepthEstimationCommand(IMAGE, model_backend="any"))
    assert np.array_equal(result.raw_depth, DEPTH)
    assert result.depth_map == DEPTH.tolist()
    assert (result.min_depth, result.max_depth) == (DEPTH.min(), DEPTH.max())
    assert result.backend_used == str(tmp_path / "fake.pth")
    assert result.depth_kind == "relative"
    assert (result.depth_image, result.point_cloud) == (None, None)
    assert result.intrinsics is not None
    assert (result.intrinsics.width_px, result.intrinsics.height_px) == (8, 6)
    assert kitchen.store.asked == ["any"]
    assert kitchen.runtime.sizes == [(518, 686)]


def test_the_input_size_reaches_the_runtime(tmp_path: Path) -> None:
    kitchen = Kitchen(tmp_path, DEPTH)
    kitchen.handler.handle(DepthEstimationCommand(IMAGE, input_size=42))
    assert kitchen.runtime.sizes == [(42, 56)]


def test_the_depth_image_spans_the_whole_range(tmp_path: Path) -> None:
    command = DepthEstimationCommand(IMAGE, return_depth_image=True)
    result = Kitchen(tmp_path, DEPTH).handler.handle(command)
    assert isinstance(result.depth_image, o3d.geometry.Image)
    pixels = np.asarray(result.depth_image)
    assert (pixels.dtype, pixels.shape) == (np.uint16, (6, 8))
    assert (pixels.min(), pixels.max()) == (0, 65535)
    scaled = (DEPTH.astype(np.float64) - DEPTH.min()) / np.ptp(DEPTH) * 65535
    assert np.abs(pixels - scaled).max() <= 0.51
    assert result.point_cloud is None


def test_the_point_cloud_is_open3ds_own_of_the_same_depth(tmp_path: Path) -> None:
    config = DepthEstimationAdvanceConfig(fx=7.0, fy=9.0, cx=3.1, cy=2.2, depth_trunc=4.0)
    depth = DEPTH  # metres
    command = DepthEstimationCommand(IMAGE, return_point_cloud=True, advanced_config=config)
    result = Kitchen(tmp_path, depth, METRIC).handler.handle(command)
    assert result.depth_kind == "metric"
    rgbd = o3d.geometry.RGBDImage.create_from_color_and_depth(
        open3d_image(IMAGE),
        open3d_image(depth),
        depth_scale=1.0,
        depth_trunc=4.0,
        convert_rgb_to_intensity=False,
    )
    camera = o3d.camera.PinholeCameraIntrinsic(8, 6, 7.0, 9.0, 3.1, 2.2)
    expected = o3d.geometry.PointCloud.create_from_rgbd_image(rgbd, camera)
    assert 0 < len(expected.points) < 48
    assert result.point_cloud is not None
    cloud = result.point_cloud
    np.testing.assert_allclose(np.asarray(cloud.points), np.asarray(expected.points), rtol=1e-6)
    np.testing.assert_allclose(np.asarray(cloud.colors), np.asarray(expected.colors), atol=1e-6)


def test_a_relative_cloud_runs_from_near_to_just_before_far(tmp_path: Path) -> None:
    config = DepthEstimationAdvanceConfig(depth_near=2.0, depth_trunc=6.0)
    command = DepthEstimationCommand(IMAGE, return_point_cloud=True, advanced_config=config)
    result = Kitchen(tmp_path, DEPTH).handler.handle(command)
    assert result.point_cloud is not None
    z = np.asarray(result.point_cloud.points)[:, 2]
    assert len(z) == 47  # all but the farthest pixel
    assert z.min() == pytest.approx(2.0)
    assert z.max() < 6.0
    colors = np.asarray(result.point_cloud.colors)
    closest = np.unravel_index(DEPTH.argmax(), DEPTH.shape)
    assert colors[z.argmin()] * 255 == pytest.approx(IMAGE[closest])


def test_the_opengl_frame_turns_the_cloud_by_half_a_turn_about_x(tmp_path: Path) -> None:
    clouds = {}
    for frame in ("opencv", "opengl"):
        config = DepthEstimationAdvanceConfig(frame=frame)
        command = DepthEstimationCommand(IMAGE, return_point_cloud=True, advanced_config=config)
        cloud = Kitchen(tmp_path, DEPTH).handler.handle(command).point_cloud
        assert cloud is not None
        clouds[frame] = np.asarray(cloud.points)
    np.testing.assert_array_equal(clouds["opengl"], clouds["opencv"] * (1, -1, -1))


def test_the_edge_threshold_removes_flying_pixels(tmp_path: Path) -> None:
    depth = np.ones((6, 8), np.float32)
    depth[:, 4:] = 3
    kept = {}
    for threshold in (None, 0.04):
        config = DepthEstimationAdvanceConfig(edge_threshold=threshold)
        command = DepthEstimationCommand(IMAGE, return_point_cloud=True, advanced_config=config)
        cloud = Kitchen(tmp_path, depth, METRIC).handler.handle(command).point_cloud
        assert cloud is not None
        kept[threshold] = len(cloud.points)
    assert kept == {None: 48, 0.04: 36}


def test_nothing_is_inferred_from_what_is_no_image(tmp_path: Path) -> None:
    kitchen = Kitchen(tmp_path, DEPTH)
    with pytest.raises(InvalidImageError):
        kitchen.handler.handle(DepthEstimationCommand(b"garbage"))
    with pytest.raises(InvalidImageError, match="more than the limit of 10,000"):
        kitchen.handler.handle(DepthEstimationCommand(np.zeros((101, 100, 3), np.uint8)))
    assert kitchen.store.asked == []
    assert kitchen.runtime.sizes == []


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_depth_that_is_not_finite_is_told(tmp_path: Path, bad: float) -> None:
    depth = DEPTH.copy()
    depth[2, 3] = bad
    with pytest.raises(InferenceError, match=r"fake.pth gives for this image is not finite"):
        Kitchen(tmp_path, depth).handler.handle(DepthEstimationCommand(IMAGE))


@pytest.fixture
def models(tmp_path: Path) -> ModelsHandler:
    conversions = ConversionStore(tmp_path)
    runtimes = RuntimeCache(runtime_loader(Settings(runtime="torch"), conversions), 2)
    store = CheckpointStore(tmp_path / "cache", offline=True)
    return ModelsHandler(store, runtimes, conversions)


def test_models_are_listed_with_what_is_known(tmp_path: Path, models: ModelsHandler) -> None:
    listed = {info.name: info for info in models.list_models(ListModelsQuery())}
    assert list(listed)[:4] == ["default", "nano", "small", "base"]
    default = listed["default"]
    assert default.path == tmp_path / "cache" / "depth_anything_v2_vitb.pth"
    assert (default.variant, default.licence, default.cached) == ("vitb", "CC-BY-NC-4.0", False)
    assert listed["small"].licence == "Apache-2.0"
    assert listed["metric-outdoor-base"].max_depth_m == 80


def test_what_else_is_cached_is_listed(tmp_path: Path, models: ModelsHandler) -> None:
    other = touch(tmp_path / "cache" / "0123456789ab" / "mine.pth")
    touch(tmp_path / "cache" / "depth_anything_v2_vitb.pth")
    listed = {info.name: info for info in models.list_models(ListModelsQuery())}
    assert listed[str(other)].cached
    assert listed["default"].cached
    assert len(listed) == len(RELEASES) + len(METHODS) + 1


def test_a_bad_note_hides_one_model_not_all(
    tmp_path: Path, models: ModelsHandler, caplog: pytest.LogCaptureFixture
) -> None:
    touch(tmp_path / "cache" / "mine.pth").with_name("mine.pth.json").write_text("{}")
    assert len(models.list_models(ListModelsQuery())) == len(RELEASES) + len(METHODS)
    assert "mine.pth.json must hold" in caplog.text


def test_a_path_is_told_without_reading_the_file(tmp_path: Path, models: ModelsHandler) -> None:
    damaged = touch(tmp_path / "damaged.pth")
    assert models.model_path(ModelPathQuery(str(damaged))) == damaged
    assert models.model_path(ModelPathQuery("default")).name == "depth_anything_v2_vitb.pth"


def test_a_local_checkpoints_sizes_are_read_off_its_file(
    tmp_path: Path, models: ModelsHandler
) -> None:
    path = save_checkpoint(tmp_path / "mine.safetensors")
    info = models.model_info(ModelInfoQuery(str(path)))
    assert info.variant == "vit-64x4"
    assert info.parameters == sum(p.numel() for p in seeded_network(TINY).parameters())
    assert info.size_bytes == path.stat().st_size
    assert (info.licence, info.url, info.loaded) == (None, None, None)


def test_loaded_models_are_told(tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path / "mine.pth")
    store = CheckpointStore(tmp_path)
    conversions = ConversionStore(tmp_path)
    runtimes = RuntimeCache(runtime_loader(Settings(runtime="torch"), conversions), 2)
    models = ModelsHandler(store, runtimes, conversions)
    depth = DepthEstimationHandler(store, runtimes, DirectInference(), ImageReader())
    depth.handle(DepthEstimationCommand(IMAGE, model_backend=str(path), input_size=28))
    assert models.model_info(ModelInfoQuery(str(path))).loaded == "torch cpu fp32"


def test_a_model_that_is_not_here_is_told_of_or_refused(models: ModelsHandler) -> None:
    url = "https://example.org/mine.pth"
    info = models.model_info(ModelInfoQuery(url))
    assert (info.url, info.cached, info.variant) == (url, False, None)
    assert not models.model_info(ModelInfoQuery("large")).cached
    with pytest.raises(CheckpointError, match="no checkpoint file at"):
        models.model_info(ModelInfoQuery("/no/such.pth"))


def test_downloading_gives_the_path(tmp_path: Path, models: ModelsHandler) -> None:
    expected = touch(tmp_path / "cache" / "depth_anything_v2_vitb.pth")
    assert models.download(DownloadModelCommand()) == expected
