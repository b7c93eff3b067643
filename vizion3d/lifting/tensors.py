"""Depth estimation as named images, parameters and arrays."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from vizion3d.core.validation import ValidatedModel
from vizion3d.geometry.alignment import Knowledge
from vizion3d.geometry.projection import FLYING_PIXEL_THRESHOLD
from vizion3d.lifting.commands import DepthEstimationCommand
from vizion3d.lifting.config import configure
from vizion3d.lifting.known import read_known
from vizion3d.lifting.models import DepthEstimationResult
from vizion3d.lifting.output import DepthOutput
from vizion3d.media.images import ImageInput
from vizion3d.networks.base import MIN_INPUT_SIZE
from vizion3d.outputs.formats import FORMATS
from vizion3d.tensors import ArraySpec, Tensors

_LARGEST_INPUT_SIZE = 1 << 16


class DepthParameters(ValidatedModel):
    """What is asked for beside the image; every other parameter is a field of the configuration."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())

    model_backend: str = ""
    input_size: Annotated[int, Field(ge=MIN_INPUT_SIZE, le=_LARGEST_INPUT_SIZE)] | None = None
    points: str = ""
    distances: str = ""
    planes: str = ""
    camera_height_m: float | None = None
    camera_pitch_deg: float | None = None
    calibration: str = ""


def read(images: Mapping[str, ImageInput], parameters: Mapping[str, Any]) -> DepthEstimationCommand:
    """What is asked for; see :class:`DepthParameters`.

    Raises:
        InvalidConfigError: A parameter makes no sense, or there is none of that name.
    """
    given = DepthParameters.model_validate(dict(parameters))
    known = read_known(
        {"points": given.points, "distances": given.distances, "planes": given.planes},
        {"camera_height_m": given.camera_height_m, "camera_pitch_deg": given.camera_pitch_deg},
    )
    return DepthEstimationCommand(
        images["image"],
        given.model_backend,
        advanced_config=configure(given.calibration.encode(), given.model_extra or {}),
        input_size=given.input_size,
        knowledge=Knowledge(**known) if known else None,
    )


def show(result: DepthEstimationResult, command: DepthEstimationCommand) -> DepthOutput:
    """The result as the encoders see it."""
    return DepthOutput(result, command.advanced_config)


TENSORS = Tensors(
    images=("image",),
    arrays=(
        ArraySpec("depth", "float32"),
        ArraySpec("intrinsics", "float64", (3, 3)),
        ArraySpec("sky", "bool", optional=True),
        ArraySpec("confidence", "float32", optional=True),
    ),
    read=read,
    show=show,
    formats=FORMATS,
    defaults={"camera": "auto", "edge_threshold": FLYING_PIXEL_THRESHOLD},
)
