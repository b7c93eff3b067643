"""Named stand-ins for the parts that are slow or far away."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vizion3d.checkpoints.download import Downloader
from vizion3d.checkpoints.store import Checkpoint, CheckpointStore
from vizion3d.checkpoints.watch import Watch
from vizion3d.core.arrays import Float32Array, UInt8Array
from vizion3d.errors import CheckpointError
from vizion3d.geometry.cameras import CameraIntrinsics
from vizion3d.geometry.frames import Frame
from vizion3d.networks.base import Network, Size
from vizion3d.networks.depth_anything_v2.config import NetworkConfig
from vizion3d.networks.depth_anything_v2.network import DepthAnythingV2Network
from vizion3d.runtime.base import Images, Maps, Runtime

TINY = NetworkConfig(embed_dim=64, depth=4, features=16, head_channels=(8, 16, 24, 32))
RELATIVE = DepthAnythingV2Network(TINY)
METRIC = DepthAnythingV2Network(TINY, max_depth_m=20.0)


class FakeStore(CheckpointStore):
    """Knows one checkpoint, whatever the backend is called."""

    def __init__(self, path: Path, network: Network = RELATIVE) -> None:
        super().__init__(path.parent)
        self.checkpoint = Checkpoint(path, network)
        self.asked: list[str] = []

    def resolve(self, backend: str) -> Checkpoint:
        self.asked.append(backend)
        if backend == "broken":
            raise CheckpointError("broken")
        return self.checkpoint


class FakeDownloader(Downloader):
    """Writes a file instead of downloading it, and remembers what was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, str | None, int | None]] = []

    def fetch(
        self,
        url: str,
        target: Path,
        sha256: str | None = None,
        size_bytes: int | None = None,
        watch: Watch | None = None,
    ) -> None:
        self.asked.append((url, sha256, size_bytes))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(url.encode())


class GivenDepthRuntime:
    """Answers a depth that the test knows; remembers the sizes it was asked for."""

    description = "given depth"
    network = RELATIVE

    def __init__(self, depth: Float32Array) -> None:
        self.depth = depth
        self.sizes: list[tuple[int, int]] = []

    def infer(self, images: Images, size: Size) -> Maps:
        (batch,) = images.values()
        assert batch.dtype == np.uint8
        assert batch.shape[1:] == (*self.depth.shape, 3)
        self.sizes.append(size)
        return {"depth": np.repeat(self.depth[None], len(batch), axis=0)}


class GivenDepthLoader:
    """Loads the same runtime for every checkpoint."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime

    def __call__(self, checkpoint: Checkpoint) -> Runtime:
        return self.runtime


def depth_of(runtime: Runtime, images: UInt8Array, size: Size) -> Float32Array:
    """Depth ``(N, H, W)`` of images ``(N, H, W, 3)``."""
    return runtime.infer({"image": images}, size)["depth"]


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


class Recorder:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, float]] = []
        self.batches: list[int] = []
        self.waiting = 0

    def stage(self, stage: str, seconds: float) -> None:
        self.stages.append((stage, seconds))

    def batch(self, size: int) -> None:
        self.batches.append(size)

    def queued(self, count: int) -> None:
        self.waiting = count


RNG = np.random.default_rng(0)


class GivenLifted:
    """A lifted image whose every part the test knows; of no task."""

    depth: Float32Array = RNG.uniform(1, 5, (6, 8)).astype(np.float32)
    gray: NDArray[np.uint16] = RNG.integers(0, 65536, (6, 8), np.uint16)
    colored: UInt8Array = RNG.integers(0, 256, (6, 8, 3), np.uint8)
    depth_m: Float32Array = np.full((6, 8), 1.5, np.float32)
    shown_depth_m = depth_m
    rgb: UInt8Array = RNG.integers(0, 256, (6, 8, 3), np.uint8)
    max_points: int | None = None
    depth_scale = 1000.0
    points = (
        RNG.uniform(1, 2, (10, 3)).astype(np.float32),
        RNG.integers(0, 256, (10, 3), np.uint8),
    )
    frame: Frame = "opencv"
    intrinsics = CameraIntrinsics(8.0, 8.0, 3.5, 2.5, 8, 6, {"fx": "given"})
    arrays: Mapping[str, NDArray[Any]] = {"depth": depth, "other": depth_m}
    facts: Mapping[str, Any] = {"answer": 42}
