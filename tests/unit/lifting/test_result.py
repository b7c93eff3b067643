import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.doors import read_ply
from tests.unit.lifting.test_handler import DEPTH, IMAGE, Kitchen
from vizion3d.errors import InvalidConfigError
from vizion3d.lifting import (
    DepthEstimationAdvanceConfig,
    DepthEstimationCommand,
    DepthEstimationResult,
)


def test_a_result_can_be_made_of_nested_lists() -> None:
    depth_map = [[0.1, 0.2], [0.3, 0.4]]  # float32 would round these
    result = DepthEstimationResult(  # type: ignore[call-arg]  # depth_map stands for raw_depth
        depth_map=depth_map,
        min_depth=0.1,
        max_depth=0.4,
        backend_used="a.pth",
    )
    assert result.depth_map == depth_map
    assert result.raw_depth.dtype == np.float32
    assert result.model_dump()["depth_map"] == depth_map
    assert (result.depth_image, result.point_cloud, result.point_cloud_scale) == (None, None, 1.0)
    assert json.loads(result.model_dump_json())["depth_map"] == depth_map


def test_the_nested_list_is_made_when_it_is_read_and_the_array_is_not_copied() -> None:
    raw = np.array([[1.5, 2.5]], np.float32)
    result = DepthEstimationResult(raw_depth=raw, min_depth=1.5, max_depth=2.5, backend_used="x")
    assert result.raw_depth is raw
    assert result._listed is None
    assert result.depth_map == [[1.5, 2.5]]
    assert result.depth_map is result.depth_map
    assert "raw_depth" not in result.model_dump()
    assert "raw_depth" not in repr(result)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"raw_depth": np.zeros(3, np.float32)}, r"\(H, W\), got \(3,\)"),
        ({"depth_map": [1.0, 2.0]}, r"\(H, W\), got \(2,\)"),
        ({"depth_map": None}, "depth_map"),
        ({"depth_map": [["a"]]}, "depth_map"),
        ({}, "depth_map"),
        ({"depth_map": [[1.0]], "min_depth": 2.0}, "max_depth"),
        ({"depth_map": [[1.0]], "confidence": np.ones((1, 2))}, r"of shape \(1, 2\), the depth of"),
    ],
)
def test_a_result_that_makes_no_sense_is_refused(fields: dict[str, Any], told: str) -> None:
    facts = {"min_depth": 0.0, "max_depth": 1.0, "backend_used": "x", **fields}
    with pytest.raises(InvalidConfigError, match=told):
        DepthEstimationResult(**facts)


def test_results_are_equal_if_their_depth_is() -> None:
    def result(value: float) -> DepthEstimationResult:
        raw = np.array([[value, 2.0]], np.float32)
        return DepthEstimationResult(raw_depth=raw, min_depth=0.0, max_depth=2.0, backend_used="x")

    assert result(1.0) == result(1.0)
    assert result(1.0) != result(1.5)
    sure = {"confidence": np.array([[1.0, 3.0]], np.float32)}
    assert result(1.0).model_copy(update=sure) == result(1.0).model_copy(update=sure)
    assert result(1.0).model_copy(update=sure) != result(1.0)
    other = result(1.0).model_copy(update={"raw_depth": np.array([[7.0]], np.float32)})
    assert other.depth_map == [[7.0]]


def shown_result(tmp_path: Path) -> DepthEstimationResult:
    kitchen = Kitchen(tmp_path, DEPTH)
    config = DepthEstimationAdvanceConfig(depth_near=1.0, depth_trunc=4.0, frame="opengl")
    return kitchen.handler.handle(DepthEstimationCommand(IMAGE, advanced_config=config))


def test_a_result_saves_itself_as_it_was_asked_for(tmp_path: Path) -> None:
    result = shown_result(tmp_path)
    points = read_ply(result.save(tmp_path / "out.ply").read_bytes())
    assert -4 < points[:, 2].min() < points[:, 2].max() <= -1
    assert json.loads(result.save(tmp_path / "out.json").read_text())["depth_kind"] == "relative"
    copied = pickle.loads(pickle.dumps(result))
    np.testing.assert_array_equal(copied.metres(), result.metres())
    with pytest.raises(InvalidConfigError, match="needs a result with its photo"):
        result.model_copy(update={"rgb": None}).save(tmp_path / "none.ply")


def test_a_result_colours_itself_and_tells_metres(tmp_path: Path) -> None:
    result = shown_result(tmp_path)
    assert result.colorize("turbo").shape == (*DEPTH.shape, 3)
    metres = result.metres()
    assert (metres.min(), metres.max()) == pytest.approx((1, 4))


def test_a_notebook_shows_photo_depth_and_facts(tmp_path: Path) -> None:
    shown = shown_result(tmp_path)._repr_html_()
    assert shown.count("<img") == 2
    assert "fake.pth" in shown
    assert "primesense scaled" in shown
