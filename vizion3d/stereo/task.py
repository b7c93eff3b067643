"""What stereo depth says of itself."""

from collections.abc import Callable

from vizion3d.stereo.backends import Backends
from vizion3d.stereo.commands import DEFAULT_STEREO_MODEL, StereoDepthCommand
from vizion3d.stereo.handler import StereoDepthHandler
from vizion3d.stereo.models import StereoDepthResult
from vizion3d.task import Feature, Parts, Task


def _handler(parts: Parts) -> Callable[[StereoDepthCommand], StereoDepthResult]:
    backends = Backends(parts.checkpoints, parts.runtimes, parts.inference, parts.images.limits)
    return StereoDepthHandler(backends, parts.images, parts.observer).handle


STEREO_DEPTH = Task(
    feature=Feature(
        "stereo_depth",
        "stereo depth",
        "stereo_model",
        "Without it semi-global matching (sgbm) is used, which needs none.",
    ),
    command=StereoDepthCommand,
    handler=_handler,
    default_model=DEFAULT_STEREO_MODEL,
    images=("left_image", "right_image"),
    rest="vizion3d.stereo.rest:ROUTE",
    grpc="vizion3d.stereo.grpc:METHODS",
    cli="vizion3d.stereo.cli:COMMANDS",
    tensors="vizion3d.stereo.tensors:TENSORS",
)
