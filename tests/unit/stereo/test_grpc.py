import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import trimesh

from tests.support.in_process import over_grpc
from tests.support.stereo_requests import encoded_pair
from vizion3d.client import GrpcClient
from vizion3d.proto import lifting_pb2 as pb
from vizion3d.server.settings import ServerSettings
from vizion3d.serving import build_service
from vizion3d.stereo import StereoDepthAdvancedConfig, StereoDepthCommand


@pytest.fixture(scope="module")
def client() -> Iterator[GrpcClient]:
    settings = ServerSettings(port=0, features=("stereo_depth",))
    with over_grpc(build_service(settings)) as connected:
        yield connected


def test_a_cloud_is_thinned_by_the_server_as_by_the_library(client: GrpcClient) -> None:
    left, right = encoded_pair()

    def points(**fields: Any) -> Any:
        asked = pb.StereoDepthAdvancedConfig(focal_length=200, baseline=120, **fields)
        answer = client._lifting.RunStereoDepth(
            pb.StereoDepthRequest(
                left_image_bytes=left,
                right_image_bytes=right,
                return_point_cloud=True,
                packed_depth=True,
                advanced_config=asked,
            ),
            timeout=60,
        )
        (cloud,) = trimesh.load_scene(
            io.BytesIO(answer.point_cloud_ply), file_type="ply"
        ).geometry.values()
        return cloud.vertices

    whole = points()
    assert 250 < len(points(max_points=500)) <= 500 < len(whole)
    occupied = len(np.unique(np.floor(whole / 0.1), axis=0))
    assert len(points(voxel=0.1)) == pytest.approx(occupied, rel=0.05)

    config = StereoDepthAdvancedConfig(focal_length=200, baseline=120, max_points=500)
    command = StereoDepthCommand(left, right, advanced_config=config, return_point_cloud=True)
    theirs = client.run(command)
    assert theirs.point_cloud is not None
    assert len(theirs.point_cloud.points) == len(points(max_points=500))
