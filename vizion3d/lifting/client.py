"""How a depth estimation is asked of a server, and its result made of the answer."""

import io
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from vizion3d.checkpoints.catalogue import DEFAULT_DEPTH_MODEL_URL
from vizion3d.client.exchange import Exchange, Form, OverGrpc, OverRest, encoded
from vizion3d.geometry.cameras import CameraIntrinsics
from vizion3d.lifting import wire
from vizion3d.lifting.commands import DepthEstimationCommand
from vizion3d.lifting.models import DepthEstimationAdvanceConfig, DepthEstimationResult
from vizion3d.lifting.output import DepthOutput
from vizion3d.media import images
from vizion3d.outputs.depth_files import to_uint16
from vizion3d.proto import lifting_pb2 as pb
from vizion3d.wire.arrays import unpack


def config_fields(config: DepthEstimationAdvanceConfig) -> dict[str, Any]:
    """The fields that were set: the others follow the image's size at the server too."""
    return config.model_dump(exclude_unset=True, exclude_none=True)


def model_to_name(command: DepthEstimationCommand) -> str:
    """The model to name; empty for the server's default where the command has the library's."""
    return "" if command.model_backend == DEFAULT_DEPTH_MODEL_URL else command.model_backend


def rebuild(
    command: DepthEstimationCommand, image: bytes, depth: NDArray[np.float32], **facts: Any
) -> DepthEstimationResult:
    """The result that the library would have returned here.

    Only the depth travels: the 16-bit image and the cloud follow from it and from the photo, which
    is here already, by the same functions as on the server.
    """
    result = DepthEstimationResult(raw_depth=depth, rgb=images.decode(image), **facts)
    if command.return_depth_image or command.return_point_cloud:
        from vizion3d.outputs import open3d_objects

        if command.return_depth_image:
            result.depth_image = open3d_objects.to_image(to_uint16(depth))
        if command.return_point_cloud:
            output = DepthOutput(result, command.advanced_config)
            result.point_cloud = open3d_objects.to_point_cloud(
                output.shown_depth_m, output.rgb, output.intrinsics, output.frame
            )
    return result


def to_form(command: DepthEstimationCommand) -> Form:
    """The form to send."""
    return Form(
        {wire.IMAGE_FIELD: encoded(command.image_input)},
        {
            **config_fields(command.advanced_config),
            "model_backend": model_to_name(command),
            "input_size": command.input_size,
        },
    )


def from_answer(
    command: DepthEstimationCommand, form: Form, body: bytes, told: Mapping[str, str]
) -> DepthEstimationResult:
    """The result, of an NPY file and its headers."""
    return rebuild(
        command,
        form.files[wire.IMAGE_FIELD],
        np.load(io.BytesIO(body), allow_pickle=False),
        min_depth=float(told[wire.MIN_DEPTH]),
        max_depth=float(told[wire.MAX_DEPTH]),
        backend_used=unquote(told[wire.MODEL]),
        depth_kind=told[wire.DEPTH_KIND],
        intrinsics=CameraIntrinsics(**json.loads(told[wire.INTRINSICS])),
    )


def to_request(command: DepthEstimationCommand) -> pb.DepthEstimationRequest:
    """The message to send."""
    config = pb.DepthEstimationAdvanceConfig(**config_fields(command.advanced_config))
    return pb.DepthEstimationRequest(
        image_bytes=encoded(command.image_input),
        model_backend=model_to_name(command),
        advanced_config=config,
        packed_depth=True,
        input_size=command.input_size,
    )


def from_response(
    command: DepthEstimationCommand,
    request: pb.DepthEstimationRequest,
    response: pb.DepthEstimationResponse,
) -> DepthEstimationResult:
    """The result, of the server's message."""
    k = response.intrinsics
    return rebuild(
        command,
        request.image_bytes,
        unpack(response.packed_depth),
        min_depth=response.min_depth,
        max_depth=response.max_depth,
        backend_used=response.backend_used,
        depth_kind=response.depth_kind,
        intrinsics=CameraIntrinsics(
            k.fx, k.fy, k.cx, k.cy, k.width_px, k.height_px, dict(k.sources)
        ),
    )


EXCHANGE = Exchange(
    OverRest(wire.PATH, "application/x-npy", to_form, from_answer),
    OverGrpc(wire.RPC, to_request, from_response),
)
