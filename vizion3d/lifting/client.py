"""How a depth estimation is asked of a server, and its result made of the answer."""

import io
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from google.protobuf.json_format import MessageToDict
from numpy.typing import NDArray
from pydantic import TypeAdapter

from vizion3d.checkpoints.catalogue import DEFAULT_DEPTH_MODEL_URL
from vizion3d.client.exchange import Exchange, Form, OverGrpc, OverRest, encoded
from vizion3d.geometry.alignment import Alignment, Knowledge
from vizion3d.geometry.calibration_files import write_camera
from vizion3d.geometry.cameras import CALIBRATION, GIVEN, CameraIntrinsics
from vizion3d.geometry.frame_fit import FrameFit
from vizion3d.lifting import wire
from vizion3d.lifting.aligned import AlignedDepth
from vizion3d.lifting.commands import DepthEstimationCommand
from vizion3d.lifting.known import to_rows
from vizion3d.lifting.known_messages import to_message
from vizion3d.lifting.limit import DepthLimit
from vizion3d.lifting.models import DepthEstimationAdvanceConfig, DepthEstimationResult
from vizion3d.lifting.output import DepthOutput
from vizion3d.media import images
from vizion3d.outputs.depth_files import encode_npy
from vizion3d.outputs.facts import from_headers
from vizion3d.outputs.result_output import with_objects
from vizion3d.proto import lifting_pb2 as pb
from vizion3d.wire.arrays import unpack
from vizion3d.wire.config import write_config


def config_fields(config: DepthEstimationAdvanceConfig) -> dict[str, Any]:
    """The fields that were set: the others follow the image's size at the server too."""
    return config.model_dump(exclude_unset=True, exclude_none=True)


def calibration_to_send(config: DepthEstimationAdvanceConfig) -> bytes:
    """The calibration that the configuration was made from; empty if there is none."""
    return b"" if config.calibration is None else write_camera(config.calibration)


def model_to_name(command: DepthEstimationCommand) -> str:
    """The model to name; empty for the server's default where the command has the library's."""
    return "" if command.model_backend == DEFAULT_DEPTH_MODEL_URL else command.model_backend


def image_to_send(command: DepthEstimationCommand) -> bytes:
    """The photo's file.

    Raises:
        InvalidImageError: It is not an image.
        InvalidConfigError: The configuration was made for another size.
    """
    image = encoded(command.image_input)
    header = images.read_header(image)
    command.advanced_config.intrinsics_for(header.width_px, header.height_px)
    return image


def with_own_sources(
    told: CameraIntrinsics, config: DepthEstimationAdvanceConfig
) -> CameraIntrinsics:
    """Intrinsics that a server tells, with the sources of those that it was given."""
    own = config.intrinsics_for(told.width_px, told.height_px).sources
    sources = {
        name: own.get(name, source) if source.startswith((GIVEN, CALIBRATION)) else source
        for name, source in told.sources.items()
    }
    return replace(told, sources=sources)


def rebuild(
    command: DepthEstimationCommand, image: bytes, depth: NDArray[np.float32], **facts: Any
) -> DepthEstimationResult:
    """The result that the library would have returned here.

    Only the depth travels: the 16-bit image and the cloud follow from it and from the photo, which
    is here already, by the same functions as on the server.
    """
    kind = DepthEstimationResult if facts.get("alignment") is None else AlignedDepth
    rgb = images.decode(image)
    lens = command.advanced_config.undistortion_for(rgb.shape[1], rgb.shape[0])
    result = kind(raw_depth=depth, rgb=lens.apply(rgb) if lens else rgb, **facts)
    if result.intrinsics is not None:
        result.intrinsics = with_own_sources(result.intrinsics, command.advanced_config)
    result.asked_with(command.advanced_config)
    output = DepthOutput(result, command.advanced_config)
    return with_objects(result, output, command.return_depth_image, command.return_point_cloud)


def to_form(command: DepthEstimationCommand) -> Form:
    """The form to send."""
    files = {wire.IMAGE_FIELD: image_to_send(command)}
    calibration = calibration_to_send(command.advanced_config)
    if calibration:
        files[wire.CALIBRATION_FIELD] = calibration
    known = command.knowledge or Knowledge()
    if known.sparse_depth_m is not None:
        files[wire.SPARSE_FIELD] = encode_npy(known.sparse_depth_m)
    return Form(
        files,
        {
            **config_fields(command.advanced_config),
            **{name: to_rows(getattr(known, name)) for name in wire.KNOWN_ROWS},
            "camera_height_m": known.camera_height_m,
            "camera_pitch_deg": known.camera_pitch_deg,
            "model_backend": model_to_name(command),
            "input_size": command.input_size,
        },
    )


def from_answer(
    command: DepthEstimationCommand, form: Form, body: bytes, told: Mapping[str, str]
) -> DepthEstimationResult:
    """The result, of an NPZ file and its headers."""
    with np.load(io.BytesIO(body), allow_pickle=False) as archive:
        maps = dict(archive)
    return rebuild(
        command,
        form.files[wire.IMAGE_FIELD],
        maps["depth"],
        confidence=maps.get("confidence"),
        **from_headers(DepthEstimationResult, told),
    )


def to_request(command: DepthEstimationCommand) -> pb.DepthEstimationRequest:
    """The message to send."""
    fields = config_fields(command.advanced_config)
    return pb.DepthEstimationRequest(
        image_bytes=image_to_send(command),
        model_backend=model_to_name(command),
        advanced_config=write_config(pb.DepthEstimationAdvanceConfig, fields),
        packed_depth=True,
        input_size=command.input_size,
        calibration=calibration_to_send(command.advanced_config),
        knowledge=None if command.knowledge is None else to_message(command.knowledge),
    )


def from_response(
    command: DepthEstimationCommand,
    request: pb.DepthEstimationRequest,
    response: pb.DepthEstimationResponse,
) -> DepthEstimationResult:
    """The result, of the server's message."""
    k = response.intrinsics
    told = response.HasField("packed_confidence")
    return rebuild(
        command,
        request.image_bytes,
        unpack(response.packed_depth),
        confidence=unpack(response.packed_confidence) if told else None,
        min_depth=response.min_depth,
        max_depth=response.max_depth,
        backend_used=response.backend_used,
        depth_kind=response.depth_kind,
        focal_px=response.focal_px if response.HasField("focal_px") else None,
        sky_depth=response.sky_depth if response.HasField("sky_depth") else None,
        notes=tuple(response.notes),
        intrinsics=CameraIntrinsics(
            k.fx, k.fy, k.cx, k.cy, k.width_px, k.height_px, dict(k.sources)
        ),
        alignment=_alignment(response),
        steady=_frame_fit(response),
        depth_limit=(
            DepthLimit(response.depth_limit.metres, response.depth_limit.source)
            if response.HasField("depth_limit")
            else None
        ),
    )


def _frame_fit(response: pb.DepthEstimationResponse) -> FrameFit | None:
    fit = response.steady
    if not response.HasField("steady"):
        return None
    return FrameFit(fit.scale, fit.shift, fit.new_shot, fit.share, fit.low, fit.high)


def _alignment(response: pb.DepthEstimationResponse) -> Alignment | None:
    if not response.HasField("alignment"):
        return None
    told = MessageToDict(
        response.alignment,
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
    )
    return TypeAdapter(Alignment).validate_python(told)


EXCHANGE = Exchange(
    OverRest(wire.PATH, "application/x-npz", to_form, from_answer),
    OverGrpc(wire.RPC, to_request, from_response),
)
