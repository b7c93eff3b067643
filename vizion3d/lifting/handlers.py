"""What happens on each command and query."""

import dataclasses
import logging
import math
import os
import threading
from dataclasses import dataclass
from pathlib import Path

from vizion3d.core.observe import NoObserver, Observer, timed
from vizion3d.core.scope import current_scope
from vizion3d.errors import CheckpointError, InferenceError, InvalidImageError
from vizion3d.lifting import images
from vizion3d.lifting.checkpoints.catalog import RELEASES, Release
from vizion3d.lifting.checkpoints.store import Checkpoint, CheckpointStore, metric_range_of
from vizion3d.lifting.commands import (
    ClearConversionsCommand,
    DepthEstimationCommand,
    DownloadModelCommand,
    LoadModelCommand,
)
from vizion3d.lifting.inference import Inference
from vizion3d.lifting.models import DepthEstimationResult
from vizion3d.lifting.outputs.depth_files import to_uint16
from vizion3d.lifting.outputs.open3d_objects import require_open3d, to_image, to_point_cloud
from vizion3d.lifting.preprocess import network_size
from vizion3d.lifting.queries import ListModelsQuery, ModelInfo, ModelInfoQuery, ModelPathQuery
from vizion3d.lifting.runtime.cache import RuntimeCache
from vizion3d.lifting.runtime.conversions import ConversionStore

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ImageLimits:
    """Which images are refused.

    Attributes:
        max_pixels: Largest image that is decoded.
        formats: Pillow's names of the file formats that are read; ``None``: all that it knows.
        max_network_pixels: Largest size at which the network may see an image; a small image of
            extreme shape can ask for a large one. ``None``: any.
    """

    max_pixels: int = images.DEFAULT_MAX_PIXELS
    formats: tuple[str, ...] | None = None
    max_network_pixels: int | None = None

    def check_network_size(self, image: tuple[int, int], network: tuple[int, int]) -> None:
        """Refuse what the network would need too much memory for; sizes are (height, width)."""
        limit = self.max_network_pixels
        if limit is not None and network[0] * network[1] > limit:
            raise InvalidImageError(
                f"the network would see this image of {image[1]} x {image[0]} pixels at "
                f"{network[1]} x {network[0]}, more than the limit of {limit:,} pixels; send a "
                "less elongated image or a smaller input_size"
            )


class DepthEstimationHandler:
    """Decode, find the checkpoint, infer, package.

    Args:
        checkpoints: Finds checkpoint files.
        runtimes: Loads them and keeps them loaded.
        inference: Gives an image its turn at the network.
        limits: What is refused.
        observer: Is told how long the stages take.
        jpeg: Decodes JPEGs in Pillow's place.
    """

    def __init__(
        self,
        checkpoints: CheckpointStore,
        runtimes: RuntimeCache,
        inference: Inference,
        limits: ImageLimits,
        observer: Observer | None = None,
        jpeg: images.JpegDecoder | None = None,
    ) -> None:
        self._checkpoints = checkpoints
        self._runtimes = runtimes
        self._inference = inference
        self._limits = limits
        self._jpeg = jpeg
        self._observer = observer or NoObserver()
        # A decoder needs several times the memory of its image: no more of them than cores.
        self._decoders = threading.BoundedSemaphore(os.cpu_count() or 1)

    def handle(self, command: DepthEstimationCommand) -> DepthEstimationResult:
        """Estimate the depth of the command's image.

        Raises:
            InvalidImageError: The image cannot be read.
            CheckpointError: The checkpoint cannot be found, downloaded or loaded.
            InferenceError: The depth is not finite.
            MissingDependencyError: Open3D objects are asked for and it cannot be imported.
            DeadlineExceededError: The current scope's deadline passed.
            CancelledError: The current scope was cancelled.
        """
        current_scope().check()
        if command.return_depth_image or command.return_point_cloud:
            require_open3d()  # before the work, not after it
        with self._decoders, timed(self._observer, "decode"):
            image = images.decode(
                command.image_input, self._limits.max_pixels, self._limits.formats, self._jpeg
            )
        height, width = image.shape[:2]
        size = network_size(height, width, command.input_size)
        self._limits.check_network_size((height, width), size)
        checkpoint = self._checkpoints.resolve(command.model_backend)
        depth = self._inference.infer(self._runtimes.get(checkpoint), image, size)
        low, high = float(depth.min()), float(depth.max())
        if not (math.isfinite(low) and math.isfinite(high)):
            raise InferenceError(
                f"the depth that {checkpoint.path} gives for this image is not finite; its weights "
                "may be damaged"
            )
        config = command.advanced_config
        with timed(self._observer, "package"):
            result = DepthEstimationResult(
                raw_depth=depth,
                rgb=image,
                min_depth=low,
                max_depth=high,
                backend_used=str(checkpoint.path),
                depth_kind=checkpoint.depth_kind,
                intrinsics=config.intrinsics_for(width, height),
            )
            if command.return_depth_image:
                result.depth_image = to_image(to_uint16(depth))
            if command.return_point_cloud:
                result.point_cloud = to_point_cloud(result, config)
        return result


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
        from vizion3d.lifting.network.config import config_from_shapes
        from vizion3d.lifting.network.weights import read_tensors

        tensors = read_tensors(info.path)
        shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        return dataclasses.replace(
            info,
            variant=config_from_shapes(shapes, str(info.path)).variant,
            parameters=sum(math.prod(shape) for shape in shapes.values()),
        )
