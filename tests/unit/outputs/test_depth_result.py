from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import Field

from tests.support.fakes import GivenLifted
from vizion3d.errors import InvalidConfigError
from vizion3d.outputs.depth_files import DEFAULT_COLOR_MAP, colorize
from vizion3d.outputs.depth_result import DepthMap, DepthResult, array_of
from vizion3d.outputs.facts import facts_of
from vizion3d.outputs.formats import Format, Lifted


class Colored(GivenLifted):
    """As the given one, coloured as it is asked."""

    def __init__(self, color_map: str) -> None:
        self.colored = colorize(self.depth, color_map)


class GivenResult(DepthResult, defer_build=False):
    """A result of no task."""

    photo_is = "slide"
    compared_maps = ("depth",)
    compared_facts = ("min_depth", "notes")

    depth: DepthMap = Field(exclude=True, repr=False)

    def _output(self, color_map: str = DEFAULT_COLOR_MAP) -> Lifted:
        return Colored(color_map)

    def _described(self) -> tuple[str, str]:
        return "1 to 5 ells", "bright = closer"


class OtherResult(GivenResult):
    """Of another task: it is compared by other arrays, and saved as one thing only."""

    formats = f"{__name__}:ONE_FORMAT"
    compared_maps = ("rgb",)


def _facts(lifted: Lifted) -> bytes:
    return str(lifted.facts).encode()


ONE_FORMAT = (Format("facts", ".txt", "facts", _facts),)


def result(kind: type[GivenResult] = GivenResult, /, **fields: Any) -> GivenResult:
    given = {
        "depth": GivenLifted.depth,
        "rgb": GivenLifted.rgb,
        "intrinsics": GivenLifted.intrinsics,
        "min_depth": 1.0,
        "max_depth": 5.0,
        "backend_used": "/there/model.pth",
    }
    return kind(**{**given, **fields})


def test_the_ending_of_the_path_says_the_format(tmp_path: Path) -> None:
    path = result().save(str(tmp_path / "out.npy"))
    assert np.array_equal(np.load(path), GivenLifted.depth)


def test_a_task_has_its_own_table_of_formats(tmp_path: Path) -> None:
    assert "42" in result(OtherResult).save(tmp_path / "out.txt").read_text()
    with pytest.raises(InvalidConfigError, match=r"use one of \.png, \.txt"):
        result(OtherResult).save(tmp_path / "out.ply")


@pytest.mark.parametrize("missing", ["rgb", "intrinsics"])
def test_a_result_without_its_photo_is_not_saved(tmp_path: Path, missing: str) -> None:
    with pytest.raises(InvalidConfigError, match="needs a result with its photo"):
        result(**{missing: None}).save(tmp_path / "out.ply")
    assert list(tmp_path.iterdir()) == []


def test_a_result_is_coloured_by_the_map_that_is_named() -> None:
    assert np.array_equal(result().colorize("gray"), colorize(GivenLifted.depth, "gray"))
    assert np.array_equal(result().colorize(), colorize(GivenLifted.depth, DEFAULT_COLOR_MAP))
    with pytest.raises(InvalidConfigError, match="no colour map"):
        result().colorize("no such map")


def test_metres_are_those_of_the_outputs() -> None:
    assert np.array_equal(result().metres(), GivenLifted.depth_m)


def test_a_notebook_shows_photo_depth_and_legend() -> None:
    shown = result(notes=("a guess",))._repr_html_()
    assert shown.count("<img") == 2
    for told in ("slide", "depth (bright = closer)", "1 to 5 ells", "8 x 6 pixels", "a guess"):
        assert told in shown
    assert ">model.pth<" in shown
    assert "8.0 pixels (given)" in shown


def test_a_notebook_shows_what_there_is() -> None:
    shown = result(rgb=None, intrinsics=None)._repr_html_()
    assert shown.count("<img") == 1
    assert "focal length" not in shown


def test_results_are_equal_by_what_their_task_compares() -> None:
    assert result() == result(backend_used="/here/model.pth", max_depth=7.0)
    assert result() != result(backend_used="/there/other.pth")
    assert result() != result(min_depth=0.5)
    assert result() != result(depth=GivenLifted.depth + 1)
    assert result() != result(OtherResult)
    assert result() != 1
    with pytest.raises(TypeError, match="unhashable"):
        hash(result())


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"max_depth": 0.5}, r"max_depth: 0\.5 is below min_depth 1\.0"),
        ({"depth": np.zeros(3, np.float32)}, r"depth: it is of shape \(H, W\), got \(3,\)"),
        ({"depth": np.zeros((0, 3), np.float32)}, r"got \(0, 3\)"),
    ],
)
def test_a_result_that_makes_no_sense_is_refused(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidConfigError, match=told):
        result(**fields)


def test_an_array_is_kept_as_float32() -> None:
    assert result(depth=np.ones((2, 3))).depth.dtype == np.float32


def test_nested_lists_become_an_array_of_float32() -> None:
    assert array_of("depth_map", [[1, 2.5]]).dtype == np.float32
    with pytest.raises(InvalidConfigError, match="depth_map must be lists of numbers"):
        array_of("depth_map", [[1], [1, 2]])


def test_a_task_says_how_its_results_look() -> None:
    with pytest.raises(TypeError, match="abstract"):
        DepthResult(min_depth=0.0, max_depth=1.0, backend_used="x")  # type: ignore[abstract]  # that


def test_facts_that_all_tasks_share_are_declared_once() -> None:
    shared = set(facts_of(DepthResult))
    assert {"min_depth", "max_depth", "intrinsics", "notes"} <= shared
