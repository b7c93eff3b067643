"""What depth estimation says of itself."""

from vizion3d.checkpoints.catalogue import DEFAULT_DEPTH_MODEL_URL
from vizion3d.core.lazy import later
from vizion3d.task import Feature, Task

DEPTH_ESTIMATION = Task(
    feature=Feature("depth_estimation", "depth estimation", "depth_model"),
    handlers={
        "vizion3d.lifting.commands:DepthEstimationCommand": later(
            "vizion3d.lifting.handler:register"
        ),
        "vizion3d.lifting.aligned:AlignDepthCommand": later("vizion3d.lifting.aligning:register"),
    },
    default_model=DEFAULT_DEPTH_MODEL_URL,
    images=("image_input",),
    rest="vizion3d.lifting.rest:ROUTE",
    grpc="vizion3d.lifting.grpc:METHODS",
    cli={
        "depth": "vizion3d.lifting.cli.depth:depth",
        "video": "vizion3d.lifting.cli.video:video",
        "align-colmap": "vizion3d.lifting.cli.colmap:align_colmap",
    },
    tensors="vizion3d.lifting.tensors:TENSORS",
)
