"""What happens on a stereo depth command."""

import os
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import numpy as np

from vizion3d.core.arrays import UInt8Array
from vizion3d.core.cqrs import Bus
from vizion3d.core.observe import NoObserver, Observer, timed
from vizion3d.core.room import Room
from vizion3d.core.scope import current_scope
from vizion3d.media.reader import ImageReader
from vizion3d.outputs.open3d_objects import require_open3d
from vizion3d.outputs.result_output import with_objects
from vizion3d.stereo.backends import Backends
from vizion3d.stereo.commands import StereoDepthCommand
from vizion3d.stereo.matching import FILLED_CONFIDENCE
from vizion3d.stereo.models import StereoDepthResult
from vizion3d.stereo.output import StereoOutput
from vizion3d.task import Parts


class StereoDepthHandler:
    """Decode, rectify, match, measure, package.

    Args:
        backends: Finds what matches the pair.
        images: Reads images, as far as they are not refused.
        observer: Is told how long the stages take.
    """

    def __init__(
        self,
        backends: Backends,
        images: ImageReader,
        observer: Observer | None = None,
    ) -> None:
        self._backends = backends
        self._images = images
        self._observer = observer or NoObserver()
        # A matcher needs many times the memory of its images.
        self._matchers = Room(os.cpu_count() or 1)

    def handle(self, command: StereoDepthCommand) -> StereoDepthResult:
        """Measure the depth of the command's pair.

        Raises:
            InvalidImageError: An image cannot be read, or the two are no pair.
            InvalidConfigError: The calibration is for images of another shape.
            CheckpointError: The checkpoint cannot be found, downloaded or loaded.
            MissingDependencyError: Open3D objects are asked for and it cannot be imported.
            DeadlineExceededError: The current scope's deadline passed.
            CancelledError: The current scope was cancelled.
        """
        current_scope().check()
        if command.return_depth_image or command.return_point_cloud:
            require_open3d()  # before the work, not after it
        with ThreadPoolExecutor(1) as other:
            # A context of its own carries the deadline along.
            read = other.submit(copy_context().run, self._images.read, command.right_image)
            left = self._images.read(command.left_image)
            right = read.result()
        with self._matchers.taken():
            return self._measure(command, left, right)

    def _measure(
        self, command: StereoDepthCommand, left: UInt8Array, right: UInt8Array
    ) -> StereoDepthResult:
        # OpenCV takes a tenth of a second to import.
        from vizion3d.stereo import filling, pair

        backend = self._backends.find(command.model_backend, command.advanced_config)
        with timed(self._observer, "inference"):
            prepared = pair.prepare(left, right, command.advanced_config)
            match = backend.matcher.match(prepared.left, prepared.right, prepared.search)
            config = prepared.config
            occluded = match.visibility < config.occ_threshold
            valid = match.valid & ~occluded
            disparity = np.where(valid, match.disparity, np.float32(0))
            if config.fill:
                disparity = filling.fill(prepared.seen, disparity, valid)
        current_scope().check()
        with timed(self._observer, "package"):
            depth_m = config.depth_m(disparity, valid | config.fill)
            valid &= depth_m > 0
            filled = (depth_m > 0) & ~valid
            confidence = np.where(valid, match.confidence, np.float32(0))
            confidence[filled] = FILLED_CONFIDENCE
            positive = depth_m[depth_m > 0]
            result = StereoDepthResult(
                disparity=np.where(depth_m > 0, disparity, np.float32(0)),
                raw_depth=depth_m,
                valid=valid,
                confidence=confidence,
                occluded=occluded,
                filled=filled,
                rgb=prepared.seen,
                min_depth=float(positive.min(initial=np.inf)) if positive.size else 0.0,
                max_depth=float(positive.max(initial=0)),
                backend_used=backend.name,
                intrinsics=config.intrinsics_for(left.shape[1], left.shape[0]),
                notes=prepared.notes,
            )
            output = StereoOutput(result, config)
            if (why_cut := output.why_cut()) is not None:
                result.notes += (why_cut,)
            with_objects(result, output, command.return_depth_image, command.return_point_cloud)
            result.asked_with(config)
            if not command.return_raw_depth:
                result.raw_depth = None
        return result


def register(parts: Parts, bus: Bus) -> None:
    """Register the handler of :class:`StereoDepthCommand`."""
    backends = Backends(parts.checkpoints, parts.runtimes, parts.inference, parts.images.limits)
    handler = StereoDepthHandler(backends, parts.images, parts.observer)
    bus.register(StereoDepthCommand, handler.handle)
