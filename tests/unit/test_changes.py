"""Where a change goes (docs/architecture.md): each is made here without touching the package.

Another task is in ``test_second_task.py``, another network in
``tests/integration/test_another_network.py``.
"""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import pytest
from pydantic import Field
from typer.testing import CliRunner

from tests.support.fakes import FakeStore, GivenDepthLoader, GivenDepthRuntime, touch
from tests.support.in_process import over_grpc, over_rest
from tests.support.toy import remote
from tests.support.toy.commands import DifferenceCommand, DifferenceResult
from tests.support.toy.task import DIFFERENCE, handled_by
from vizion3d.app import build_container
from vizion3d.cli.saving import names_of, parse_formats, write
from vizion3d.errors import Vizion3DError
from vizion3d.geometry import cameras
from vizion3d.lifting import (
    DepthEstimationAdvanceConfig,
    DepthEstimationCommand,
    DepthEstimationResult,
)
from vizion3d.lifting.cli.camera import parse_camera
from vizion3d.lifting.output import DepthOutput
from vizion3d.lifting.rest import ROUTE
from vizion3d.outputs.depth_files import colorize
from vizion3d.outputs.formats import Format, Lifted, by_media_type, pick
from vizion3d.runtime.cache import RuntimeCache
from vizion3d.server import options
from vizion3d.server.rest.route import Binary, Route, binary_forms
from vizion3d.server.settings import LIMITS, Flag, Protocol, ServerSettings
from vizion3d.serving import build_service
from vizion3d.settings import load_settings
from vizion3d.wire.problems import STATUSES, Status

DEPTH = np.linspace(1, 2, 12, dtype=np.float32).reshape(3, 4)
PHOTO = np.zeros((3, 4, 3), np.uint8)
COMMAND = DifferenceCommand(PHOTO, PHOTO + 1)


def test_another_runtime_is_a_class_with_three_members(tmp_path: Path) -> None:
    """And a case in ``runtime/choice.py``, which hands it to whoever needs it."""
    runtimes = RuntimeCache(GivenDepthLoader(GivenDepthRuntime(DEPTH)), 1)
    container = build_container(
        load_settings(), checkpoints=FakeStore(touch(tmp_path / "any.pth")), runtimes=runtimes
    )
    result = container.commands.dispatch(DepthEstimationCommand(PHOTO, model_backend="any"))
    assert np.array_equal(result.raw_depth, DEPTH)


def csv(lifted: Lifted) -> bytes:
    return "\n".join(",".join(map(repr, row)) for row in lifted.depth.tolist()).encode()


CSV: Format[Lifted] = Format("csv", ".csv", "table", csv, ("text/csv",), "depth.csv")


@pytest.fixture
def output() -> DepthOutput:
    config = DepthEstimationAdvanceConfig()
    result = DepthEstimationResult(
        raw_depth=DEPTH,
        rgb=PHOTO,
        min_depth=1,
        max_depth=2,
        backend_used="any",
        intrinsics=config.intrinsics_for(4, 3),
    )
    return DepthOutput(result, config)


def test_another_format_is_a_row_that_the_command_line_writes(
    tmp_path: Path, output: DepthOutput
) -> None:
    offered = (*pick(["png", "npy"]), CSV)
    assert names_of(offered) == "png,npy,csv"
    write(output, tmp_path / "photo", parse_formats("csv", offered))
    assert np.array_equal(np.loadtxt(tmp_path / "photo.csv", np.float32, delimiter=","), DEPTH)


def test_another_media_type_is_a_row_that_the_rest_server_answers(output: DepthOutput) -> None:
    assert by_media_type((CSV,))["text/csv"] is CSV
    forms: dict[str, Binary[DepthEstimationCommand, DepthEstimationResult]] = binary_forms(
        (CSV,), lambda _result, _command: output
    )

    route: Route[DepthEstimationCommand, DepthEstimationResult] = replace(
        ROUTE, binary={**ROUTE.binary, **forms}
    )
    assert "text/csv" in route.media_types
    assert forms["text/csv"].file_name == "depth.csv"
    assert isinstance(output.result, DepthEstimationResult)
    assert forms["text/csv"].encode(output.result, DepthEstimationCommand(b"")) == csv(output)


@pytest.fixture
def toy_camera(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(cameras.PRESETS, "toy", cameras.Camera(640, 480, 600.0))
    return "toy"


def test_another_preset_is_a_row(toy_camera: str) -> None:
    config = DepthEstimationAdvanceConfig.preset(toy_camera, 1280, 960)
    assert config.fx == 1200
    assert config.intrinsics_for(1280, 960).sources["fx"] == "preset toy"
    assert parse_camera(toy_camera) == toy_camera


class MoreSettings(ServerSettings):
    max_faces: Annotated[int, Field(gt=0), Flag("Most faces in a photo.", LIMITS)] = 7


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_another_limit_is_a_field_and_a_flag_of_both_servers(protocol: Protocol) -> None:
    served: list[ServerSettings] = []
    command = options.command(
        protocol, 1, "Serve.", served.append, [DIFFERENCE.feature], settings=MoreSettings
    )
    program = options.program(command)
    for arguments, most in (((), 7), (("--max-faces", "3"), 3)):
        assert CliRunner().invoke(program, arguments).exit_code == 0
        settings = served[-1]
        assert isinstance(settings, MoreSettings)
        assert settings.max_faces == most
    refused = CliRunner().invoke(program, ("--max-faces", "0"))
    assert refused.exit_code == 2
    assert "greater than or equal to 1" in refused.output


class TooManyFacesError(Vizion3DError):
    """Another error."""


def test_another_error_is_a_class_and_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    row = Status("too-many-faces", "Too many faces", 413, "OUT_OF_RANGE")
    monkeypatch.setitem(STATUSES, TooManyFacesError, row)

    def handle(_command: DifferenceCommand) -> DifferenceResult:
        raise TooManyFacesError("nine faces; send a photo with fewer")

    task = handled_by(handle)
    for connected in (over_rest, over_grpc):
        with (
            connected(build_service(ServerSettings(port=0), (task,))) as client,
            pytest.raises(TooManyFacesError, match="nine faces"),
        ):
            client.run(COMMAND)


@pytest.mark.parametrize("name", ["cividis", "matlab:jet", "crameri:batlow"])
def test_another_colour_map_is_a_name_of_the_catalogue(name: str) -> None:
    assert not np.array_equal(colorize(DEPTH, name), colorize(DEPTH, "inferno"))


@pytest.mark.process
def test_a_handler_on_other_workers_needs_no_change() -> None:
    """The application hands commands to a process, as it would to another machine."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as workers:

        def elsewhere(command: DifferenceCommand) -> DifferenceResult:
            done: DifferenceResult = workers.submit(remote.handle, command).result(60)
            return done

        task = handled_by(elsewhere)
        here = build_container(load_settings(), tasks=(DIFFERENCE,)).commands.dispatch(COMMAND)
        with over_rest(build_service(ServerSettings(port=0), (task,))) as client:
            assert client.run(COMMAND) == here
