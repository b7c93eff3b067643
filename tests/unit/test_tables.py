"""What is declared once, in a table, is all that there is: every task and the page read it."""

import re
from typing import Any

import pytest

from tests.contract import describe
from tools import web_assets
from vizion3d.app import TASKS
from vizion3d.geometry.cameras import PRESETS
from vizion3d.lifting import DepthEstimationAdvanceConfig
from vizion3d.outputs.depth_files import color_table
from vizion3d.outputs.formats import FORMATS, by_media_type
from vizion3d.programs.cli import app
from vizion3d.programs.grpc import serve_grpc
from vizion3d.programs.rest import serve_rest
from vizion3d.server.rest.route import Route
from vizion3d.server.settings import Flag, ServerSettings
from vizion3d.task import adapters


def option(name: str, *command: str) -> str:
    (line,) = [row for row in describe.help_lines(app, *command) if row.startswith(f"{name} ")]
    return line


@pytest.mark.parametrize("row", FORMATS, ids=lambda row: row.name)
def test_a_format_is_one_row_for_every_task_and_for_the_page(row: Any) -> None:
    for command in ("depth", "stereo"):
        assert row.name in re.split(r"[ ,.]+", option("--save", command))
    assert f'"{row.name}": {{"ending": "{row.ending}"' in web_assets.FORMATS_FILE.read_text()


def test_a_media_type_is_part_of_a_formats_row() -> None:
    routes = adapters(TASKS, "rest", Route)
    assert len(routes) == len(TASKS)
    shared = list(by_media_type(FORMATS))
    for route in routes:  # beside them, a task may have rows of its own
        assert [each for each in route.binary if each in shared] == shared


@pytest.mark.parametrize("name", PRESETS)
def test_a_camera_is_one_row(name: str) -> None:
    assert name in re.split(r"[ ,.]+", option("--camera", "depth"))
    camera = PRESETS[name]
    config = DepthEstimationAdvanceConfig.preset(name, camera.width_px, camera.height_px)
    assert config.fx == pytest.approx(camera.focal_px)


def test_a_colour_map_is_one_name_for_the_page_and_none_for_the_library() -> None:
    for name in web_assets.COLOUR_MAPS:
        assert color_table(name).shape == (256, 3)
        assert f"  {name}: " in web_assets.COLOUR_MAP_FILE.read_text()


@pytest.mark.parametrize(("protocol", "serve"), [("rest", serve_rest), ("grpc", serve_grpc)])
def test_a_flag_of_the_servers_is_one_field(protocol: str, serve: Any) -> None:
    lines = describe.help_lines(describe.program_of(serve))
    told = {word.split("/")[0] for line in lines for word in line.split() if word.startswith("--")}
    for name, field in ServerSettings.model_fields.items():
        for flag in (item for item in field.metadata if isinstance(item, Flag)):
            expected = flag.name or f"--{name.replace('_', '-')}"
            if flag.only in (None, protocol):
                assert {expected, f"--{name}"} & told, name
