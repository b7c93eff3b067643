"""What stereo depth says of itself."""

from vizion3d.checkpoints.catalogue import DEFAULT_STEREO_MODEL
from vizion3d.core.lazy import later
from vizion3d.task import Feature, Task

STEREO_DEPTH = Task(
    feature=Feature(
        "stereo_depth",
        "stereo depth",
        "stereo_model",
        "Without it semi-global matching (sgbm) is used, which needs none.",
    ),
    handlers={
        "vizion3d.stereo.commands:StereoDepthCommand": later("vizion3d.stereo.handler:register")
    },
    default_model=DEFAULT_STEREO_MODEL,
    images=("left_image", "right_image"),
    rest="vizion3d.stereo.rest:ROUTE",
    grpc="vizion3d.stereo.grpc:METHODS",
    cli={"stereo": "vizion3d.stereo.cli.stereo:stereo"},
    tensors="vizion3d.stereo.tensors:TENSORS",
)
