"""Depth estimation on the wire: what its servers and its clients both know."""

from vizion3d.lifting import known
from vizion3d.proto import lifting_pb2 as pb
from vizion3d.wire.rpc import Rpc

PATH = "/lifting/depth-estimation"
IMAGE_FIELD = "image"
SPARSE_FIELD = "sparse_depth"
CALIBRATION_FIELD = "calibration"
KNOWN_ROWS = known.ROWS
"""Field of the form -> what a row of it holds."""

RPC = Rpc(
    service=pb.DESCRIPTOR.services_by_name["LiftingService"].full_name,
    unary="RunDepthEstimation",
    request=pb.DepthEstimationRequest,
    response=pb.DepthEstimationResponse,
    stream="StreamDepthEstimation",
    outcome=pb.FrameOutcome,
)
