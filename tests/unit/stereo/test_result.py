import pickle
from pathlib import Path

import numpy as np
import pytest

from tests.support import stereo_scenes as scenes
from tests.support.doors import read_ply
from vizion3d.errors import InvalidConfigError
from vizion3d.stereo import StereoDepth, StereoDepthCommand, StereoDepthResult
from vizion3d.stereo.output import NO_DEPTH


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


def measured() -> StereoDepthResult:
    pair = scenes.render_pair(scenes.TWO, scenes.camera(160, 120, 200.0))
    config = pair.config.model_copy(update={"frame": "opencv", "max_points": 50})
    command = StereoDepthCommand(
        pair.left, pair.right, return_depth_image=False, advanced_config=config
    )
    return StereoDepth().run(command)


def test_a_result_saves_itself_as_it_was_asked_for(tmp_path: Path) -> None:
    result = measured()
    points = read_ply(result.save(tmp_path / "out.ply").read_bytes())
    assert len(points) == 50
    assert points[:, 2].min() > 0  # in the frame that was asked for
    assert np.array_equal(np.load(result.save(tmp_path / "out.npy")), result.depth_m)
    shifts = np.load(result.save(tmp_path / "out.disparity.npy"))
    assert np.array_equal(shifts, result.disparity)
    for name in ("out.png", "out.glb", "out.left.jpg"):
        assert result.save(str(tmp_path / name)).stat().st_size > 100
    again = pickle.loads(pickle.dumps(result)).save(tmp_path / "again.ply")
    assert np.array_equal(read_ply(again.read_bytes()), points)


def test_metres_and_colours_are_there_without_the_raw_depth() -> None:
    result = measured()
    result.raw_depth = None
    assert np.array_equal(result.metres(), result.depth_m)
    colours = result.colorize("gray")
    assert (colours[result.depth_m == 0] == NO_DEPTH).all()
    nearest = np.unravel_index(np.argmax(result.disparity), result.disparity.shape)
    assert (colours[nearest] == 255).all()


def test_a_notebook_shows_the_left_photo_the_depth_and_its_legend() -> None:
    shown = measured()._repr_html_()
    assert shown.count("<img") == 2
    assert "left photo" in shown
    assert "bright = closer, black = none" in shown
    assert "% of the pixels" in shown
    assert ">sgbm<" in shown
