"""What matches a pair: named by a command, found here."""

from dataclasses import dataclass

from vizion3d.checkpoints.catalogue import DEFAULT_STEREO_MODEL
from vizion3d.checkpoints.store import CheckpointStore
from vizion3d.errors import CheckpointError
from vizion3d.media.limits import ImageLimits
from vizion3d.networks.base import Meaning
from vizion3d.runtime.cache import RuntimeCache
from vizion3d.runtime.queue import Inference
from vizion3d.stereo.matching import Matcher
from vizion3d.stereo.models import StereoDepthAdvancedConfig

STEREO_INPUTS = ("left", "right")


@dataclass(frozen=True)
class Backend:
    """A matcher, and what the result calls it."""

    name: str
    matcher: Matcher


class Backends:
    """Semi-global matching by its name; everything else is a network's checkpoint.

    Args:
        checkpoints: Finds checkpoint files.
        runtimes: Loads them and keeps them loaded.
        inference: Gives a pair its turn at the network.
        limits: How large the network may see a pair.
    """

    def __init__(
        self,
        checkpoints: CheckpointStore,
        runtimes: RuntimeCache,
        inference: Inference,
        limits: ImageLimits,
    ) -> None:
        self._checkpoints = checkpoints
        self._runtimes = runtimes
        self._inference = inference
        self._limits = limits

    def find(self, model_backend: str, config: StereoDepthAdvancedConfig) -> Backend:
        """The matcher for a command.

        Raises:
            CheckpointError: There is none of that name, or it is no stereo network.
            DownloadError: It had to be downloaded and could not be.
        """
        if model_backend in ("", DEFAULT_STEREO_MODEL):
            from vizion3d.stereo.sgbm import SemiGlobalMatcher

            return Backend(DEFAULT_STEREO_MODEL, SemiGlobalMatcher(config.scale_factor))
        checkpoint = self._checkpoints.resolve(model_backend)
        network = checkpoint.network
        disparity = network.output(Meaning.DISPARITY_PX)
        if network.inputs != STEREO_INPUTS or disparity is None:
            raise CheckpointError(
                f"{model_backend} is a checkpoint of {network.title}, which does not match stereo "
                f"pairs; leave model_backend out for {DEFAULT_STEREO_MODEL!r}, or name a stereo "
                "network"
            )
        from vizion3d.stereo.network import NetworkMatcher

        matcher = NetworkMatcher(
            self._runtimes.get(checkpoint),
            self._inference,
            disparity.name,
            self._limits,
            config.scale_factor,
        )
        return Backend(str(checkpoint.path), matcher)
