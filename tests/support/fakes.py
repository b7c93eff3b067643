"""Named stand-ins for the parts that are slow or far away."""

from pathlib import Path

import numpy as np

from vizion3d.checkpoints.store import Checkpoint, CheckpointStore
from vizion3d.core.arrays import Float32Array, UInt8Array
from vizion3d.errors import CheckpointError
from vizion3d.runtime.base import Runtime


class FakeStore(CheckpointStore):
    """Knows one checkpoint, whatever the backend is called."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__(checkpoint.path.parent)
        self.checkpoint = checkpoint
        self.asked: list[str] = []

    def resolve(self, backend: str) -> Checkpoint:
        self.asked.append(backend)
        if backend == "broken":
            raise CheckpointError("broken")
        return self.checkpoint


class GivenDepthRuntime:
    """Answers a depth that the test knows; remembers the sizes it was asked for."""

    description = "given depth"

    def __init__(self, depth: Float32Array) -> None:
        self.depth = depth
        self.sizes: list[tuple[int, int]] = []

    def infer(self, images: UInt8Array, size: tuple[int, int]) -> Float32Array:
        assert images.dtype == np.uint8
        assert images.shape[1:] == (*self.depth.shape, 3)
        self.sizes.append(size)
        return np.repeat(self.depth[None], len(images), axis=0)


class GivenDepthLoader:
    """Loads the same runtime for every checkpoint."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime

    def __call__(self, checkpoint: Checkpoint) -> Runtime:
        return self.runtime


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
