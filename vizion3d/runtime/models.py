"""What happens on the commands and queries about models."""

import dataclasses
import logging
from importlib.util import find_spec
from pathlib import Path

from vizion3d.checkpoints.catalogue import METHODS, RELEASES, Method, Release
from vizion3d.checkpoints.checkpoint import ReadCheckpoint
from vizion3d.checkpoints.commands import (
    BeginDownloadCommand,
    CallOffDownloadCommand,
    ClearConversionsCommand,
    DownloadModelCommand,
    LoadModelCommand,
)
from vizion3d.checkpoints.queries import (
    DownloadQuery,
    ListModelsQuery,
    ModelInfo,
    ModelInfoQuery,
    ModelPathQuery,
)
from vizion3d.checkpoints.reading import metric_range_of
from vizion3d.checkpoints.store import Checkpoint, CheckpointStore
from vizion3d.checkpoints.transfers import Transfer
from vizion3d.errors import CheckpointError
from vizion3d.geometry.depth import ModelKind
from vizion3d.networks.registry import input_size_of
from vizion3d.runtime.cache import RuntimeCache
from vizion3d.runtime.conversions import ConversionStore

logger = logging.getLogger(__name__)

_HERE = Transfer("here")
"""Of what needs no file."""


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
        """Where a model's file is, after it was downloaded if need be; the file is not read.

        Raises:
            CheckpointError: No model, or a local file that is not there.
            DownloadError: It could not be downloaded.
        """
        if method := METHODS.get(command.model_backend):
            return _file_of(method)
        return self._checkpoints.fetch(command.model_backend)

    def begin_download(self, command: BeginDownloadCommand) -> Transfer:
        """How far the download is, begun now if the file is not here.

        Raises:
            CheckpointError: No model, a local file that is not there, or a licence that is refused.
            DownloadError: Downloads are not allowed.
        """
        if METHODS.get(command.model_backend):
            return _HERE
        return self._checkpoints.begin_download(command.model_backend)

    def call_off_download(self, command: CallOffDownloadCommand) -> Transfer:
        """How far the download was, called off if it was under way.

        Raises:
            CheckpointError: No model.
        """
        if METHODS.get(command.model_backend):
            return _HERE
        return self._checkpoints.call_off_download(command.model_backend)

    def download_state(self, query: DownloadQuery) -> Transfer:
        """How far the download of a model is.

        Raises:
            CheckpointError: No model.
        """
        if METHODS.get(query.model_backend):
            return _HERE
        return self._checkpoints.transfer(query.model_backend)

    def load(self, command: LoadModelCommand) -> Path:
        """Where a model's file is, after it was downloaded and loaded if need be.

        Raises:
            CheckpointError: No model, a file that is not there, or one that is no checkpoint.
            DownloadError: It could not be downloaded.
        """
        if method := METHODS.get(command.model_backend):
            return _file_of(method)
        checkpoint = self._checkpoints.resolve(command.model_backend)
        self._runtimes.get(checkpoint)
        return checkpoint.path

    def clear_conversions(self, _command: ClearConversionsCommand) -> int:
        """Remove every converted network; how many bytes that freed."""
        return self._conversions.clear()

    def list_models(self, _query: ListModelsQuery) -> list[ModelInfo]:
        """Every released model, then every other checkpoint in the cache, by path.

        Files are described by their headers, which are read without torch, and once each.
        """
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
        return released + [_of_method(method) for method in METHODS.values()] + others

    def model_path(self, query: ModelPathQuery) -> Path:
        """Where a model's file is, or would be after a download; nothing of it is read.

        Raises:
            CheckpointError: No model.
        """
        if method := METHODS.get(query.model_backend):
            return _file_of(method)
        return self._checkpoints.locate(query.model_backend)

    def model_info(self, query: ModelInfoQuery) -> ModelInfo:
        """What is known of one model.

        Raises:
            CheckpointError: No model, or a local file that is not there or not a checkpoint.
        """
        backend = query.model_backend
        if method := METHODS.get(backend):
            return _of_method(method)
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
            network=release.network,
            depth_kind=release.depth_kind,
            licence_source=release.licence_source,
            size_bytes=info.size_bytes or release.size_bytes,
            about_bytes=info.size_bytes or release.about_bytes,
            input_size=info.input_size or input_size_of(release.network),
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
            network=read.checkpoint.network.title if read else None,
            depth_kind=_kind_of(read.checkpoint if read else None, max_depth_m),
            max_depth_m=max_depth_m,
            size_bytes=path.stat().st_size if cached else None,
            about_bytes=path.stat().st_size if cached else None,
            input_size=read.checkpoint.network.recipe.input_size if read else None,
        )

    def _read(self, path: Path) -> ReadCheckpoint | None:
        """What a file says of itself; ``None`` if it is not there or is no checkpoint."""
        try:
            return self._checkpoints.read(path) if path.is_file() else None
        except CheckpointError as error:
            logger.debug("%s", error)
            return None


def _kind_of(checkpoint: Checkpoint | None, max_depth_m: float | None) -> ModelKind:
    if checkpoint is None:
        return "relative" if max_depth_m is None else "metric"
    return checkpoint.depth[1] if checkpoint.depth else "disparity"


def _of_method(method: Method) -> ModelInfo:
    """What is known of an algorithm without weights: it is always there."""
    return ModelInfo(
        name=method.name,
        path=_file_of(method),
        cached=True,
        loaded=method.library,
        variant=method.title,
        licence=method.licence,
        depth_kind="disparity",
    )


def _file_of(method: Method) -> Path:
    """The library that does it."""
    found = find_spec(method.library)
    return Path(found.origin) if found and found.origin else Path(method.library)
