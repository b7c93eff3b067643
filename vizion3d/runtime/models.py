"""What happens on the commands and queries about models."""

import dataclasses
import logging
import math
from pathlib import Path

from vizion3d.checkpoints.catalogue import RELEASES, Release
from vizion3d.checkpoints.commands import (
    ClearConversionsCommand,
    DownloadModelCommand,
    LoadModelCommand,
)
from vizion3d.checkpoints.queries import ListModelsQuery, ModelInfo, ModelInfoQuery, ModelPathQuery
from vizion3d.checkpoints.store import Checkpoint, CheckpointStore, metric_range_of
from vizion3d.errors import CheckpointError
from vizion3d.runtime.cache import RuntimeCache
from vizion3d.runtime.conversions import ConversionStore

logger = logging.getLogger(__name__)


class ModelsHandler:
    """Downloads models, and answers what is known, cached and loaded.

    Args:
        checkpoints: Finds checkpoint files.
        runtimes: Knows which are loaded.
        conversions: Knows which are converted.
    """

    def __init__(
        self, checkpoints: CheckpointStore, runtimes: RuntimeCache, conversions: ConversionStore
    ) -> None:
        self._checkpoints = checkpoints
        self._runtimes = runtimes
        self._conversions = conversions

    def download(self, command: DownloadModelCommand) -> Path:
        return self._checkpoints.resolve(command.model_backend).path

    def load(self, command: LoadModelCommand) -> Path:
        checkpoint = self._checkpoints.resolve(command.model_backend)
        self._runtimes.get(checkpoint)
        return checkpoint.path

    def clear_conversions(self, _command: ClearConversionsCommand) -> int:
        return self._conversions.clear()

    def list_models(self, _query: ListModelsQuery) -> list[ModelInfo]:
        released = [self._describe(release.name, release) for release in RELEASES]
        known = {info.path for info in released}
        others = []
        for path in self._checkpoints.cached_files():
            if path in known:
                continue
            try:
                others.append(self._describe(str(path), None))
            except CheckpointError as error:  # of a note beside it that makes no sense
                logger.warning("%s", error)
        return released + others

    def model_path(self, query: ModelPathQuery) -> Path:
        return self._checkpoints.locate(query.model_backend)

    def model_info(self, query: ModelInfoQuery) -> ModelInfo:
        """What is known of one model.

        Raises:
            CheckpointError: No model, or a local file that is not there or not a checkpoint.
        """
        backend = query.model_backend
        release = self._checkpoints.release_of(backend)
        info = self._describe(backend, release)
        if release or (info.url and not info.cached):
            return info
        return self._read_sizes(info)

    def _describe(self, backend: str, release: Release | None) -> ModelInfo:
        path = self._checkpoints.locate(backend)
        cached = path.is_file()
        max_depth_m = metric_range_of(path)
        info = ModelInfo(
            name=backend,
            path=path,
            cached=cached,
            converted=cached and self._conversions.has(Checkpoint(path, max_depth_m)),
            loaded=self._runtimes.loaded().get(path.resolve()),
            url=backend if "://" in backend else None,
            depth_kind="relative" if max_depth_m is None else "metric",
            max_depth_m=max_depth_m,
            size_bytes=path.stat().st_size if cached else None,
        )
        if release is None:
            return info
        return dataclasses.replace(
            info,
            name=release.name,
            url=release.url,
            variant=release.variant,
            parameters=release.parameters,
            licence=release.licence,
            size_bytes=info.size_bytes or release.size_bytes,
        )

    def _read_sizes(self, info: ModelInfo) -> ModelInfo:
        from vizion3d.networks.depth_anything_v2.config import config_from_shapes
        from vizion3d.networks.depth_anything_v2.weights import read_tensors

        tensors = read_tensors(info.path)
        shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        return dataclasses.replace(
            info,
            variant=config_from_shapes(shapes, str(info.path)).variant,
            parameters=sum(math.prod(shape) for shape in shapes.values()),
        )
