"""Between the wire's messages and our own types."""

import numpy as np
from numpy.typing import NDArray

from vizion3d.checkpoints.queries import ModelInfo
from vizion3d.geometry.cameras import CameraIntrinsics
from vizion3d.lifting.models import DepthEstimationAdvanceConfig, DepthEstimationResult
from vizion3d.proto import lifting_pb2 as pb
from vizion3d.server import encoding
from vizion3d.server.service import DepthRequest

_LENGTH_DELIMITED = 2


def read_request(message: pb.DepthEstimationRequest) -> DepthRequest:
    """What a message asks for; a field of the config that is not set keeps its default."""
    config = {field.name: value for field, value in message.advanced_config.ListFields()}
    input_size = message.input_size if message.HasField("input_size") else None
    return DepthRequest(message.image_bytes, message.model_backend, config, input_size)


def write_response(
    result: DepthEstimationResult,
    config: DepthEstimationAdvanceConfig,
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
    if result.intrinsics is not None:
        response.intrinsics.CopyFrom(_intrinsics(result.intrinsics))
    if message.packed_depth:
        response.packed_depth.CopyFrom(pack(result.raw_depth))
    else:
        response.MergeFromString(encode_rows(result.raw_depth))
    if message.return_depth_image:
        response.depth_image = encoding.png(result, config)
    if message.return_point_cloud:
        response.point_cloud_ply = encoding.ply(result, config)
    return response


def pack(array: NDArray[np.float32]) -> pb.PackedArray:
    """A float32 array as bytes in C order, little-endian."""
    return pb.PackedArray(
        data=array.astype("<f4", copy=False).tobytes(), shape=array.shape, dtype="float32"
    )


def unpack(packed: pb.PackedArray) -> NDArray[np.float32]:
    """The array of :func:`pack`; a view of the message's bytes."""
    return np.frombuffer(packed.data, np.dtype(packed.dtype).newbyteorder("<")).reshape(
        tuple(packed.shape)
    )


def encode_rows(depth: NDArray[np.float32]) -> bytes:
    """float32 ``(H, W)`` -> the serialised field ``depth_map``, without a Python loop over floats.

    Every row is the same few bytes of header (field, length, packed field, length) and its values:
    one array, one copy. The encoding is protobuf's own (packed repeated fixed32).
    """
    values = depth.astype("<f4", copy=False)
    row_bytes = 4 * depth.shape[1]
    packed = _tag(pb.FloatRow.VALUES_FIELD_NUMBER) + _varint(row_bytes)
    header = _tag(pb.DepthEstimationResponse.DEPTH_MAP_FIELD_NUMBER) + _varint(
        len(packed) + row_bytes
    )
    start = np.frombuffer(header + packed, np.uint8)
    rows = np.empty((depth.shape[0], len(start) + row_bytes), np.uint8)
    rows[:, : len(start)] = start
    rows[:, len(start) :] = np.ascontiguousarray(values).view(np.uint8)
    return rows.tobytes()


def _tag(field_number: int) -> bytes:
    return _varint(field_number << 3 | _LENGTH_DELIMITED)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _intrinsics(k: CameraIntrinsics) -> pb.CameraIntrinsics:
    return pb.CameraIntrinsics(
        fx=k.fx,
        fy=k.fy,
        cx=k.cx,
        cy=k.cy,
        width_px=k.width_px,
        height_px=k.height_px,
        sources=dict(k.sources),
    )


def write_model(info: ModelInfo, default: str) -> pb.ModelInfo:
    """What is known of an offered model."""
    return pb.ModelInfo(
        name=info.name,
        is_default=info.name == default,
        variant=info.variant,
        parameters=info.parameters,
        licence=info.licence,
        depth_kind=info.depth_kind,
        max_depth_m=info.max_depth_m,
        loaded=info.loaded,
    )
