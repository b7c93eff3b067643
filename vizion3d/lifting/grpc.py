"""``RunDepthEstimation`` and ``StreamDepthEstimation``."""

from vizion3d.lifting import wire
from vizion3d.lifting.commands import DepthEstimationCommand
from vizion3d.lifting.models import DepthEstimationAdvanceConfig, DepthEstimationResult
from vizion3d.lifting.output import DepthOutput
from vizion3d.outputs import cloud_files, depth_files
from vizion3d.proto import lifting_pb2 as pb
from vizion3d.server.grpc.methods import Methods
from vizion3d.wire.arrays import encode_rows, pack, set_fields


def read(message: pb.DepthEstimationRequest) -> DepthEstimationCommand:
    """What a message asks for; a field of the config that is not set keeps its default."""
    return DepthEstimationCommand(
        message.image_bytes,
        message.model_backend,
        advanced_config=DepthEstimationAdvanceConfig(**set_fields(message.advanced_config)),
        input_size=message.input_size if message.HasField("input_size") else None,
    )


def write(
    result: DepthEstimationResult,
    command: DepthEstimationCommand,
    message: pb.DepthEstimationRequest,
) -> pb.DepthEstimationResponse:
    """A result as the message that was asked for."""
    response = pb.DepthEstimationResponse(
        min_depth=result.min_depth,
        max_depth=result.max_depth,
        backend_used=result.backend_used,
        depth_kind=result.depth_kind,
        point_cloud_scale=result.point_cloud_scale,
    )
    if (k := result.intrinsics) is not None:
        response.intrinsics.CopyFrom(
            pb.CameraIntrinsics(
                fx=k.fx,
                fy=k.fy,
                cx=k.cx,
                cy=k.cy,
                width_px=k.width_px,
                height_px=k.height_px,
                sources=dict(k.sources),
            )
        )
    if message.packed_depth:
        response.packed_depth.CopyFrom(pack(result.raw_depth))
    else:
        number = pb.DepthEstimationResponse.DEPTH_MAP_FIELD_NUMBER
        response.MergeFromString(encode_rows(result.raw_depth, number))
    if message.return_depth_image:
        pixels = depth_files.to_uint16(result.raw_depth)
        response.depth_image = depth_files.encode_png(pixels)
    if message.return_point_cloud:
        output = DepthOutput(result, command.advanced_config)
        response.point_cloud_ply = cloud_files.encode_ply(*output.points)
    return response


METHODS = Methods(wire.RPC, read, write)
