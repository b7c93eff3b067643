"""What both clients do with commands before they are sent, and with answers."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vizion3d.checkpoints.catalogue import DEFAULT_DEPTH_MODEL_URL
from vizion3d.errors import InvalidImageError, OverloadedError, ServerError, Vizion3DError
from vizion3d.geometry.projection import CameraIntrinsics, DepthKind
from vizion3d.lifting.commands import DepthEstimationCommand
from vizion3d.lifting.models import DepthEstimationAdvanceConfig, DepthEstimationResult
from vizion3d.media import images
from vizion3d.outputs.depth_files import encode_png, to_uint16
from vizion3d.server.status import STATUSES


@dataclass(frozen=True)
class ServedModel:
    """A model that a server offers; ``None`` where it is not known.

    Attributes:
        name: What to write for ``model_backend``.
        default: Whether it is used where none is named.
        variant: Its encoder: ``"vits"``, ``"vitb"`` ...
        parameters: Number of weights.
        licence: SPDX identifier of the weights' licence.
        depth_kind: What it estimates.
        max_depth_m: Range of a metric model, in metres.
        loaded: Runtime that has it in memory.
    """

    name: str
    default: bool
    variant: str | None
    parameters: int | None
    licence: str | None
    depth_kind: str
    max_depth_m: float | None
    loaded: str | None


def encoded(image: images.ImageInput) -> bytes:
    """The bytes to send: a file's own, or a PNG of a PIL image or array.

    Raises:
        InvalidImageError: There is no such file, or the input is not an image.
    """
    if isinstance(image, (bytes, bytearray, memoryview)):
        return bytes(image)
    if isinstance(image, (str, os.PathLike)):
        try:
            return Path(image).read_bytes()
        except (OSError, ValueError) as error:
            raise InvalidImageError(f"{image} cannot be read: {error}") from error
    return encode_png(images.decode(image))


def wire_fields(config: DepthEstimationAdvanceConfig) -> dict[str, Any]:
    """The fields that were set: the others follow the image's size at the server too."""
    return config.model_dump(exclude_unset=True, exclude_none=True)


def wire_model(command: DepthEstimationCommand) -> str:
    """The model to name; empty for the server's default where the command has the library's."""
    return "" if command.model_backend == DEFAULT_DEPTH_MODEL_URL else command.model_backend


def rebuild(
    command: DepthEstimationCommand,
    image: bytes,
    depth: NDArray[np.float32],
    *,
    min_depth: float,
    max_depth: float,
    backend_used: str,
    depth_kind: DepthKind,
    intrinsics: CameraIntrinsics,
) -> DepthEstimationResult:
    """The result that the library would have returned here.

    Only the depth travels: the 16-bit image and the cloud follow from it and from the photo, which
    is here already, by the same functions as on the server.
    """
    result = DepthEstimationResult(
        raw_depth=depth,
        min_depth=min_depth,
        max_depth=max_depth,
        backend_used=backend_used,
        depth_kind=depth_kind,
        intrinsics=intrinsics,
        rgb=images.decode(image),
    )
    if command.return_depth_image or command.return_point_cloud:
        from vizion3d.outputs import open3d_objects

        if command.return_depth_image:
            result.depth_image = open3d_objects.to_image(to_uint16(depth))
        if command.return_point_cloud:
            result.point_cloud = open3d_objects.to_point_cloud(result, command.advanced_config)
    return result


def error_of(name: str, detail: str, retry_after_s: float = 1.0) -> Vizion3DError:
    """The error that a server tells, as the library would have raised it."""
    for kind, status in STATUSES.items():
        if status.name == name and issubclass(kind, Vizion3DError):
            if issubclass(kind, OverloadedError):
                return OverloadedError(detail, retry_after_s)
            return kind(detail)
    return ServerError(detail)
