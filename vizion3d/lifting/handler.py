"""What happens on each command and query."""

import logging
import math

from vizion3d.checkpoints.store import CheckpointStore
from vizion3d.core.cqrs import Bus
from vizion3d.core.observe import NoObserver, Observer, timed
from vizion3d.core.scope import current_scope
from vizion3d.errors import InferenceError, InvalidConfigError
from vizion3d.geometry.cameras import AUTO
from vizion3d.geometry.undistortion import Undistortion
from vizion3d.lifting.commands import DepthEstimationCommand
from vizion3d.lifting.meaning import depth_of, understand
from vizion3d.lifting.models import DepthEstimationResult
from vizion3d.lifting.output import DepthOutput
from vizion3d.media.images import read_header
from vizion3d.media.reader import ImageReader
from vizion3d.outputs.open3d_objects import require_open3d
from vizion3d.outputs.result_output import with_objects
from vizion3d.runtime.cache import RuntimeCache
from vizion3d.runtime.queue import Inference
from vizion3d.task import Parts

logger = logging.getLogger(__name__)

UNDISTORTED = (
    "the lens's distortion was undone before anything else: the depth, the points and the "
    "intrinsics belong to the undistorted photo (rgb in the result)"
)
"""Note of a result whose calibration has distortion."""


class DepthEstimationHandler:
    """Decode, find the checkpoint, infer, package.

    Args:
        checkpoints: Finds checkpoint files.
        runtimes: Loads them and keeps them loaded.
        inference: Gives an image its turn at the network.
        images: Reads images, as far as they are not refused.
        observer: Receives the durations of the stages.
    """

    def __init__(
        self,
        checkpoints: CheckpointStore,
        runtimes: RuntimeCache,
        inference: Inference,
        images: ImageReader,
        observer: Observer | None = None,
    ) -> None:
        self._checkpoints = checkpoints
        self._runtimes = runtimes
        self._inference = inference
        self._images = images
        self._observer = observer or NoObserver()

    def handle(self, command: DepthEstimationCommand) -> DepthEstimationResult:
        """Estimate the depth of the command's image.

        Raises:
            InvalidImageError: The image cannot be read.
            CheckpointError: The checkpoint cannot be found, downloaded or loaded.
            InferenceError: The depth is not finite.
            InvalidConfigError: What is known of the scene does not fit it.
            MissingDependencyError: Open3D objects are asked for and it cannot be imported.
            DeadlineExceededError: The current scope's deadline passed.
            CancelledError: The current scope was cancelled.
        """
        current_scope().check()
        if command.return_depth_image or command.return_point_cloud:
            require_open3d()  # before the work, not after it
        image = self._images.read(command.image_input)
        height, width = image.shape[:2]
        lens = self._lens(command, width, height)
        if lens is not None:
            image = lens.apply(image)
        checkpoint = self._checkpoints.resolve(command.model_backend)
        output, depth_kind = depth_of(checkpoint)
        size = checkpoint.network.recipe.network_size(height, width, command.input_size)
        self._images.limits.check_network_size((height, width), size)
        runtime = self._runtimes.get(checkpoint)
        config = command.advanced_config
        maps = self._inference.infer(runtime, {"image": image}, size)
        with timed(self._observer, "package"):
            understood = understand(maps, checkpoint, config, size, self._exif_focal_px(command))
            depth = understood.depth
            low, high = float(depth.min()), float(depth.max())
            if not (math.isfinite(low) and math.isfinite(high)):
                raise InferenceError(
                    f"the depth that {checkpoint.path} gives for this image is not finite; its "
                    "weights may be damaged"
                )
            result = DepthEstimationResult(
                raw_depth=depth,
                rgb=image,
                min_depth=low,
                max_depth=high,
                backend_used=str(checkpoint.path),
                depth_kind=depth_kind,
                intrinsics=understood.intrinsics,
                sky_depth=understood.sky_depth,
                notes=understood.notes,
                confidence=understood.confidence,
                focal_px=understood.focal_px,
                depth_limit=config.limit_for(output.max_m),
            )
            if command.knowledge is not None:
                from vizion3d.lifting.aligned import align_result  # the solver, for those who ask

                result = align_result(result, command.knowledge)
            if lens is not None:
                result.notes += (UNDISTORTED,)
            shown = DepthOutput(result, config)
            if (why_cut := shown.why_cut()) is not None:
                result.notes += (why_cut,)
            for note in result.notes:
                logger.warning("%s: %s", checkpoint.path.name, note)
            result.asked_with(config)
            return with_objects(
                result, shown, command.return_depth_image, command.return_point_cloud
            )

    def _lens(
        self, command: DepthEstimationCommand, width: int, height: int
    ) -> Undistortion | None:
        """What undoes the lens's distortion, where a calibration tells one.

        Raises:
            InvalidConfigError: What is known of the scene is known of the photo as it was taken.
        """
        lens = command.advanced_config.undistortion_for(width, height)
        if lens is not None and command.knowledge is not None:
            raise InvalidConfigError(
                "what is known of pixels cannot be combined with a calibration that has lens "
                "distortion: undoing it moves the pixels; undistort the photo first, and give its "
                "fx, fy, cx, cy"
            )
        return lens

    def _exif_focal_px(self, command: DepthEstimationCommand) -> float | None:
        """By the photo's EXIF data, where the configuration asks for it."""
        if command.advanced_config.camera != AUTO:
            return None
        return read_header(command.image_input, self._images.limits.max_pixels).exif_focal_px


def register(parts: Parts, bus: Bus) -> None:
    """Register the handler of :class:`DepthEstimationCommand`."""
    handler = DepthEstimationHandler(
        parts.checkpoints, parts.runtimes, parts.inference, parts.images, parts.observer
    )
    bus.register(DepthEstimationCommand, handler.handle)
