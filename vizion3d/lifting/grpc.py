"""``RunDepthEstimation`` and ``StreamDepthEstimation``."""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial

from vizion3d.geometry.steady import Steadier
from vizion3d.lifting import wire
from vizion3d.lifting.commands import DepthEstimationCommand
from vizion3d.lifting.config import configure
from vizion3d.lifting.known_messages import from_message
from vizion3d.lifting.models import DepthEstimationResult
from vizion3d.lifting.output import DepthOutput
from vizion3d.lifting.steady import steadied
from vizion3d.outputs.facts import values_of
from vizion3d.outputs.formats import pick
from vizion3d.proto import lifting_pb2 as pb
from vizion3d.server.grpc.methods import Methods
from vizion3d.wire.arrays import encode_rows, pack
from vizion3d.wire.config import read_config


def read(message: pb.DepthEstimationRequest) -> DepthEstimationCommand:
    """What a message asks for; a field of the config that is not set keeps its default."""
    fields = read_config(message.advanced_config)
    return DepthEstimationCommand(
        message.image_bytes,
        message.model_backend,
        advanced_config=configure(message.calibration, fields),
        input_size=message.input_size if message.HasField("input_size") else None,
        knowledge=from_message(message.knowledge) if message.HasField("knowledge") else None,
    )


def write(
    result: DepthEstimationResult,
    command: DepthEstimationCommand,
    message: pb.DepthEstimationRequest,
) -> pb.DepthEstimationResponse:
    """A result as the message that was asked for."""
    response = pb.DepthEstimationResponse(**values_of(result))
    if message.packed_depth:
        response.packed_depth.CopyFrom(pack(result.raw_depth))
        if result.confidence is not None:
            response.packed_confidence.CopyFrom(pack(result.confidence))
    else:
        number = pb.DepthEstimationResponse.DEPTH_MAP_FIELD_NUMBER
        response.MergeFromString(encode_rows(result.raw_depth, number))
    if result.steady is not None:
        response.steady.CopyFrom(pb.FrameFit(**asdict(result.steady)))
    output = DepthOutput(result, command.advanced_config)
    png, ply = pick(["png", "ply"])
    if message.return_depth_image:
        response.depth_image = png.encode(output)
    if message.return_point_cloud:
        response.point_cloud_ply = ply.encode(output)
    return response


def follow(
    request: pb.DepthEstimationRequest,
) -> Callable[[DepthEstimationResult], DepthEstimationResult] | None:
    """What steadies the frames of a stream, if the request asks for it."""
    if not request.steady:
        return None
    return partial(steadied, steadier=Steadier())


METHODS = Methods(wire.RPC, read, write, follow)
