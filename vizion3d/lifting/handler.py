"""What happens on each command and query."""

import logging
import math

from vizion3d.checkpoints.store import Checkpoint, CheckpointStore
from vizion3d.core.observe import NoObserver, Observer, timed
from vizion3d.core.scope import current_scope
from vizion3d.errors import CheckpointError, InferenceError
from vizion3d.geometry.depth import DepthKind
from vizion3d.lifting.commands import DepthEstimationCommand
from vizion3d.lifting.models import DepthEstimationResult
from vizion3d.lifting.output import DepthOutput
from vizion3d.media.reader import ImageReader
from vizion3d.networks.base import Output
from vizion3d.outputs.depth_files import to_uint16
from vizion3d.outputs.open3d_objects import require_open3d, to_image, to_point_cloud
from vizion3d.runtime.cache import RuntimeCache
from vizion3d.runtime.queue import Inference

logger = logging.getLogger(__name__)


def depth_of(checkpoint: Checkpoint) -> tuple[Output, DepthKind]:
    """The network's output that is a depth, and what its numbers are.

    Raises:
        CheckpointError: The network takes something else than one image, or gives no depth.
    """
    network = checkpoint.network
    if network.inputs != ("image",) or checkpoint.depth is None:
        raise CheckpointError(
            f"{checkpoint.path} is a {network.title} checkpoint, which does not estimate the depth "
            f"of one image: it makes {', '.join(o.meaning for o in network.outputs)} of "
            f"{', '.join(network.inputs)}"
        )
    return checkpoint.depth


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
            MissingDependencyError: Open3D objects are asked for and it cannot be imported.
            DeadlineExceededError: The current scope's deadline passed.
            CancelledError: The current scope was cancelled.
        """
        current_scope().check()
        if command.return_depth_image or command.return_point_cloud:
            require_open3d()  # before the work, not after it
        image = self._images.read(command.image_input)
        height, width = image.shape[:2]
        checkpoint = self._checkpoints.resolve(command.model_backend)
        depth_output, depth_kind = depth_of(checkpoint)
        size = checkpoint.network.recipe.network_size(height, width, command.input_size)
        self._images.limits.check_network_size((height, width), size)
        runtime = self._runtimes.get(checkpoint)
        depth = self._inference.infer(runtime, {"image": image}, size)[depth_output.name]
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
                depth_kind=depth_kind,
                intrinsics=config.intrinsics_for(width, height),
            )
            if command.return_depth_image:
                result.depth_image = to_image(to_uint16(depth))
            if command.return_point_cloud:
                output = DepthOutput(result, config)
                result.point_cloud = to_point_cloud(
                    output.shown_depth_m, image, output.intrinsics, config.frame
                )
        return result
