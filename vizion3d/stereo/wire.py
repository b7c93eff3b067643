"""Stereo depth on the wire: what its servers and its clients both know."""

from vizion3d.proto import lifting_pb2 as pb
from vizion3d.wire.rpc import Rpc

PATH = "/lifting/stereo-depth"
LEFT_FIELD, RIGHT_FIELD = "left_image", "right_image"
CALIBRATION_FIELD, CALIBRATION_RIGHT_FIELD = "calibration", "calibration_right"
ALL_MAPS = "application/x-npz"

RPC = Rpc(
    service=pb.DESCRIPTOR.services_by_name["LiftingService"].full_name,
    unary="RunStereoDepth",
    request=pb.StereoDepthRequest,
    response=pb.StereoDepthResponse,
    stream="StreamStereoDepth",
    outcome=pb.StereoFrameOutcome,
)
