"""What matches a pair: named by a command, found here."""

from dataclasses import dataclass

from vizion3d.errors import CheckpointError
from vizion3d.stereo.commands import DEFAULT_STEREO_MODEL
from vizion3d.stereo.matching import Matcher
from vizion3d.stereo.models import StereoDepthAdvancedConfig


@dataclass(frozen=True)
class Backend:
    """A matcher, and what the result calls it."""

    name: str
    matcher: Matcher


class Backends:
    """Semi-global matching by its name; everything else is a network's checkpoint."""

    def find(self, model_backend: str, config: StereoDepthAdvancedConfig) -> Backend:
        """The matcher for a command.

        Raises:
            CheckpointError: There is none of that name.
        """
        if model_backend in ("", DEFAULT_STEREO_MODEL):
            from vizion3d.stereo.sgbm import SemiGlobalMatcher

            return Backend(DEFAULT_STEREO_MODEL, SemiGlobalMatcher(config.scale_factor))
        raise CheckpointError(f"no stereo model {model_backend!r}; there is {DEFAULT_STEREO_MODEL}")
