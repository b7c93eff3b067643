"""Depth estimation on the wire: what its servers and its clients both know."""

from vizion3d.proto import lifting_pb2 as pb
from vizion3d.wire.rpc import Rpc

PATH = "/lifting/depth-estimation"
IMAGE_FIELD = "image"

MIN_DEPTH = "X-Min-Depth"
MAX_DEPTH = "X-Max-Depth"
DEPTH_KIND = "X-Depth-Kind"
INTRINSICS = "X-Intrinsics"
MODEL = "X-Model"

RPC = Rpc(
    service=pb.DESCRIPTOR.services_by_name["LiftingService"].full_name,
    unary="RunDepthEstimation",
    request=pb.DepthEstimationRequest,
    response=pb.DepthEstimationResponse,
    stream="StreamDepthEstimation",
    outcome=pb.FrameOutcome,
)
