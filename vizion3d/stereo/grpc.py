"""``RunStereoDepth`` and ``StreamStereoDepth``."""

import numpy as np

from vizion3d.outputs.facts import values_of
from vizion3d.outputs.formats import pick
from vizion3d.proto import lifting_pb2 as pb
from vizion3d.server.grpc.methods import Methods
from vizion3d.stereo import wire
from vizion3d.stereo.commands import StereoDepthCommand
from vizion3d.stereo.models import StereoDepthAdvancedConfig, StereoDepthResult
from vizion3d.stereo.output import StereoOutput
from vizion3d.wire.arrays import encode_rows, pack
from vizion3d.wire.config import read_config


def read(message: pb.StereoDepthRequest) -> StereoDepthCommand:
    """What a message asks for; a field of the config that is not set keeps its default."""
    fields = read_config(message.advanced_config)
    calibration, right = message.calibration, message.calibration_right
    if calibration or right:
        config = StereoDepthAdvancedConfig.from_calibration(calibration, right or None, **fields)
    else:
        config = StereoDepthAdvancedConfig(**fields)
    return StereoDepthCommand(
        message.left_image_bytes,
        message.right_image_bytes,
        message.model_backend,
        return_depth_image=False,
        advanced_config=config,
    )


def write(
    result: StereoDepthResult, command: StereoDepthCommand, message: pb.StereoDepthRequest
) -> pb.StereoDepthResponse:
    """A result as the message that was asked for."""
    response = pb.StereoDepthResponse(**values_of(result))
    if message.packed_depth:
        response.packed_depth.CopyFrom(pack(result.depth_m))
        response.packed_disparity.CopyFrom(pack(result.disparity))
        if result.confidence is not None:
            response.packed_confidence.CopyFrom(pack(result.confidence))
        for name in ("valid", "occluded", "filled"):
            mask = getattr(result, name)
            if mask is not None:
                setattr(response, f"{name}_bits", np.packbits(mask).tobytes())
    else:
        kind = pb.StereoDepthResponse
        for array, number in (
            (result.depth_m, kind.DEPTH_MAP_FIELD_NUMBER),
            (result.disparity, kind.DISPARITY_MAP_FIELD_NUMBER),
        ):
            response.MergeFromString(encode_rows(array, number))
    output = StereoOutput(result, command.advanced_config)
    png, ply = pick(("png", "ply"))
    if message.return_depth_image:
        response.depth_image = png.encode(output)
    if message.return_point_cloud:
        response.point_cloud_ply = ply.encode(output)
    return response


METHODS = Methods(wire.RPC, read, write)
