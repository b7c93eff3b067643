"""Stereo depth as named images, parameters and arrays."""

from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict

from vizion3d.core.validation import ValidatedModel
from vizion3d.geometry.projection import FLYING_PIXEL_THRESHOLD
from vizion3d.media.images import ImageInput
from vizion3d.stereo.commands import StereoDepthCommand
from vizion3d.stereo.models import StereoDepthAdvancedConfig, StereoDepthResult
from vizion3d.stereo.output import FORMATS, StereoOutput
from vizion3d.tensors import ArraySpec, Tensors


class StereoParameters(ValidatedModel):
    """What is asked for beside the pair; every other parameter is a field of the configuration.

    Attributes:
        calibration: Content of a calibration file; fields that are given go before its own.
        calibration_right: Content of the right camera's, where it has one of its own.
    """

    model_config = ConfigDict(extra="allow", protected_namespaces=())

    model_backend: str = ""
    calibration: str = ""
    calibration_right: str = ""


def read(images: Mapping[str, ImageInput], parameters: Mapping[str, Any]) -> StereoDepthCommand:
    """What is asked for; see :class:`StereoParameters`.

    Raises:
        InvalidConfigError: A parameter makes no sense, or there is none of that name.
    """
    given = StereoParameters.model_validate(dict(parameters))
    left, right = given.calibration.encode(), given.calibration_right.encode()
    return StereoDepthCommand(
        images["left_image"],
        images["right_image"],
        given.model_backend,
        return_depth_image=False,
        advanced_config=configure(given.model_extra or {}, left, right),
    )


def configure(
    fields: Mapping[str, Any], calibration: bytes, calibration_right: bytes
) -> StereoDepthAdvancedConfig:
    """The config of what was sent: fields, which go before a calibration's."""
    if not calibration and not calibration_right:
        return StereoDepthAdvancedConfig(**fields)
    return StereoDepthAdvancedConfig.from_calibration(
        calibration, calibration_right or None, **fields
    )


def show(result: StereoDepthResult, command: StereoDepthCommand) -> StereoOutput:
    """The result as the encoders see it."""
    return StereoOutput(result, command.advanced_config)


TENSORS = Tensors(
    images=("left_image", "right_image"),
    arrays=(
        ArraySpec("depth", "float32"),
        ArraySpec("disparity", "float32"),
        ArraySpec("valid", "bool"),
        ArraySpec("confidence", "float32", optional=True),
        ArraySpec("occluded", "bool", optional=True),
        ArraySpec("filled", "bool", optional=True),
        ArraySpec("intrinsics", "float64", (3, 3)),
    ),
    read=read,
    show=show,
    formats=FORMATS,
    defaults={"edge_threshold": FLYING_PIXEL_THRESHOLD},
    endings=("_left", "_right"),
)
