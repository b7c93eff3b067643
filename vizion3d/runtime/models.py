"""What happens on the commands and queries about models."""

import dataclasses
import logging
from pathlib import Path

from vizion3d.checkpoints.catalogue import RELEASES, Release
from vizion3d.checkpoints.commands import (
    ClearConversionsCommand,
    DownloadModelCommand,
    LoadModelCommand,
)
from vizion3d.checkpoints.queries import ListModelsQuery, ModelInfo, ModelInfoQuery, ModelPathQuery
from vizion3d.checkpoints.store import CheckpointStore, ReadCheckpoint, metric_range_of
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
        return self._checkpoints.fetch(command.model_backend)

    def load(self, command: LoadModelCommand) -> Path:
        checkpoint = self._checkpoints.resolve(command.model_backend)
        self._runtimes.get(checkpoint)
        return checkpoint.path

    def clear_conversions(self, _command: ClearConversionsCommand) -> int:
        return self._conversions.clear()

    def list_models(self, _query: ListModelsQuery) -> list[ModelInfo]:
        released = [self._released(release) for release in RELEASES]
        known = {info.path for info in released}
        others = []
        for path in self._checkpoints.cached_files():
            if path in known:
                continue
            try:
                others.append(self._of_file(str(path), path, self._read(path)))
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
        if release:
            return self._released(release)
        path = self._checkpoints.locate(backend)
        to_come = "://" in backend and not path.is_file()
        return self._of_file(backend, path, None if to_come else self._checkpoints.read(path))

    def _released(self, release: Release) -> ModelInfo:
        path = self._checkpoints.locate(release.name)
        info = self._of_file(release.name, path, self._read(path))
        return dataclasses.replace(
            info,
            url=release.url,
            variant=release.variant,
            parameters=release.parameters,
            licence=release.licence,
            size_bytes=info.size_bytes or release.size_bytes,
        )

    def _of_file(self, name: str, path: Path, read: ReadCheckpoint | None) -> ModelInfo:
        cached = path.is_file()
        max_depth_m = metric_range_of(path)
        return ModelInfo(
            name=name,
            path=path,
            cached=cached,
            converted=read is not None and self._conversions.has(read.checkpoint),
            loaded=self._runtimes.loaded().get(path.resolve()),
            url=name if "://" in name else None,
            variant=read.checkpoint.network.variant if read else None,
            parameters=read.parameters if read else None,
            depth_kind="relative" if max_depth_m is None else "metric",
            max_depth_m=max_depth_m,
            size_bytes=path.stat().st_size if cached else None,
        )

    def _read(self, path: Path) -> ReadCheckpoint | None:
        """What a file says of itself; ``None`` if it is not there or is no checkpoint."""
        try:
            return self._checkpoints.read(path) if path.is_file() else None
        except CheckpointError as error:
            logger.debug("%s", error)
            return None
