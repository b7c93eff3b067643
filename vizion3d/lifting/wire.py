"""Depth estimation on the wire: what its servers and its clients both know."""

from vizion3d.proto import lifting_pb2 as pb
from vizion3d.wire.rpc import Rpc

PATH = "/lifting/depth-estimation"
IMAGE_FIELD = "image"

RPC = Rpc(
    service=pb.DESCRIPTOR.services_by_name["LiftingService"].full_name,
    unary="RunDepthEstimation",
    request=pb.DepthEstimationRequest,
    response=pb.DepthEstimationResponse,
    stream="StreamDepthEstimation",
    outcome=pb.FrameOutcome,
)
