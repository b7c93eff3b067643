import pytest

from vizion3d.errors import InvalidConfigError
from vizion3d.stereo import StereoDepthResult


def test_results_are_equal_by_what_they_hold() -> None:
    maps = {"depth_map": [[1.0, 2.0]], "disparity_map": [[20.0, 10.0]]}
    facts = {"min_depth": 1.0, "max_depth": 2.0, "backend_used": "sgbm"}
    result = StereoDepthResult(**maps, **facts)
    assert result.depth_map == maps["depth_map"]
    assert result.disparity_map == maps["disparity_map"]
    assert result.point_cloud_scale == 1.0
    assert result == StereoDepthResult(**maps, **facts)
    dumped = result.model_dump()
    assert dumped["depth_map"] == maps["depth_map"]
    with pytest.raises(InvalidConfigError, match="below min_depth"):
        StereoDepthResult(**maps, **{**facts, "max_depth": 0.5})
    with pytest.raises(InvalidConfigError, match="needs depth_map or raw_depth"):
        StereoDepthResult(disparity_map=[[1.0]], **facts)
