"""A second task without a change to the package: served over REST, gRPC and the command line."""

import io
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image
from typer.testing import CliRunner

from tests.support.in_process import over_grpc, over_rest
from tests.support.toy.commands import DifferenceCommand, DifferenceConfig, DifferenceResult
from tests.support.toy.task import DIFFERENCE
from vizion3d.app import TASKS, build_container, default_container
from vizion3d.cli.context import Application
from vizion3d.cli.program import program
from vizion3d.client import GrpcClient, RestClient
from vizion3d.core.cqrs import Command
from vizion3d.errors import (
    InvalidConfigError,
    InvalidImageError,
    ModelNotAllowedError,
    ServerError,
)
from vizion3d.lifting import DepthEstimationCommand
from vizion3d.programs.rest import create_app
from vizion3d.server import options
from vizion3d.server.service import Service
from vizion3d.server.settings import Protocol, ServerSettings
from vizion3d.serving import build_service
from vizion3d.settings import load_settings

BOTH = (*TASKS, DIFFERENCE)
RNG = np.random.default_rng(0)
FIRST, SECOND = RNG.integers(0, 256, (2, 12, 16, 3), np.uint8)
COMMAND = DifferenceCommand(FIRST, SECOND, config=DifferenceConfig(gain=2.5))
EXPECTED = build_container(load_settings(), tasks=BOTH).commands.dispatch(COMMAND)
NOT_A_PHOTO = DifferenceCommand(b"no photo", SECOND)


def service(*features: str) -> Service:
    return build_service(ServerSettings(port=0, features=features), BOTH)


@pytest.fixture(params=["rest", "grpc"])
def client(request: pytest.FixtureRequest) -> Iterator[RestClient | GrpcClient]:
    with (over_rest if request.param == "rest" else over_grpc)(service()) as connected:
        yield connected


def test_the_clients_return_what_the_library_returns(client: RestClient | GrpcClient) -> None:
    assert client.run(COMMAND) == EXPECTED
    assert EXPECTED.mean > 1


def test_its_errors_are_the_librarys(client: RestClient | GrpcClient) -> None:
    with pytest.raises(InvalidImageError, match="not an image"):
        client.run(NOT_A_PHOTO)
    with pytest.raises(ModelNotAllowedError, match="does not offer"):
        client.run(DifferenceCommand(FIRST, SECOND, "/etc/passwd"))


def test_frames_come_back_in_order() -> None:
    with over_grpc(service()) as client:
        stream = client.run_stream([COMMAND, NOT_A_PHOTO, COMMAND])
        outcomes = list(stream)
    assert [outcomes[0], outcomes[2]] == [EXPECTED, EXPECTED]
    assert isinstance(outcomes[1], InvalidImageError)


def encoded(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def ask(client: RestClient, files: dict[str, bytes], **form: str) -> requests.Response:
    return client._session.post(
        "http://in-process/toy/photo-difference",
        files={name: (name, content) for name, content in files.items()},
        data=form,
    )


PHOTOS = {"first": encoded(FIRST), "second": encoded(SECOND)}


def test_its_form_has_the_fields_of_its_configuration() -> None:
    with over_rest(service()) as client:
        answer = ask(client, PHOTOS, gain="2.5", difference="true")
        assert answer.status_code == 200
        assert answer.json()["mean"] == EXPECTED.mean
        rows = np.array(answer.json()["difference"], np.float32)
        assert np.array_equal(rows, EXPECTED.difference)
        refused = ask(client, PHOTOS, gain="-1")
        assert refused.status_code == 422
        assert "gain: greater than 0, got '-1'" in refused.json()["detail"]
        one = ask(client, {"first": PHOTOS["first"]})
        assert (one.status_code, one.json()["type"]) == (422, "urn:vizion3d:invalid-config")
        no_form = client._session.post(
            "http://in-process/toy/photo-difference", data=b"x", headers={"Content-Type": "a/b"}
        )
        assert no_form.status_code == 415


def test_its_route_is_in_the_document_and_its_headers_are_exposed_to_pages() -> None:
    origin = "https://example.org"
    settings = ServerSettings(port=0, cors_origins=(origin,))
    app = create_app(settings, BOTH)
    document = app.openapi()
    told = document["paths"]["/toy/photo-difference"]["post"]
    assert told["operationId"] == "compare_photos"
    assert "application/x-npy" in told["responses"]["200"]["content"]
    assert "X-Mean-Difference" in told["responses"]["200"]["headers"]
    fields = document["components"]["schemas"]["Body_compare_photos"]["properties"]
    assert set(fields) == {"first", "second", "model_backend", "difference", "gain"}
    assert fields["gain"]["description"] == "Factor of the difference."
    with over_rest(build_service(settings, BOTH)) as client:
        shown = client._session.get("http://in-process/health", headers={"Origin": origin})
    exposed = shown.headers["Access-Control-Expose-Headers"]
    assert {"X-Mean-Difference", "X-Min-Depth"} <= set(exposed.split(", "))


@pytest.mark.parametrize(
    ("features", "depth", "difference"),
    [
        ((), True, True),
        (("depth_estimation",), True, False),
        (("photo_difference",), False, True),
        (("depth_estimation", "photo_difference"), True, True),
    ],
)
def test_only_selected_tasks_are_served(
    features: tuple[str, ...], depth: bool, difference: bool
) -> None:
    # A model that is not offered is refused by a task that is served, before anything is loaded.
    commands: tuple[tuple[Command[Any], bool], ...] = (
        (DepthEstimationCommand(FIRST, model_backend="mine"), depth),
        (DifferenceCommand(FIRST, SECOND, model_backend="mine"), difference),
    )
    with over_rest(service(*features)) as rest, over_grpc(service(*features)) as grpc_client:
        for command, served in commands:
            if served:
                for client in (rest, grpc_client):
                    with pytest.raises(ModelNotAllowedError):
                        client.run(command)
            else:
                with pytest.raises(ServerError, match="there is nothing at"):
                    rest.run(command)
                with pytest.raises(ServerError, match="UNIMPLEMENTED"):
                    grpc_client.run(command)


def test_a_feature_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InvalidConfigError, match="there is no feature stereo"):
        service("stereo")


@pytest.mark.parametrize(
    ("arguments", "features", "models"),
    [
        ((), (), {}),
        (("--photo_difference",), ("photo_difference",), {}),
        (
            ("--photo-difference", "--depth_estimation"),
            ("depth_estimation", "photo_difference"),
            {},
        ),
        (("--depth-model", "nano"), ("depth_estimation",), {"depth_estimation": "nano"}),
        (
            ("--difference_model", "grey", "--depth_estimation"),
            ("depth_estimation", "photo_difference"),
            {"photo_difference": "grey"},
        ),
    ],
)
@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_its_flags_select_it(
    protocol: Protocol,
    arguments: tuple[str, ...],
    features: tuple[str, ...],
    models: dict[str, str],
) -> None:
    served: list[ServerSettings] = []
    flags = [task.feature for task in BOTH]
    app = options.program(options.command(protocol, 1, "Serve.", served.append, flags))
    shown = CliRunner().invoke(app, arguments)
    assert shown.exit_code == 0, shown.output
    assert (served[0].features, dict(served[0].models)) == (features, models)


def test_its_command_is_in_the_program(tmp_path: Path) -> None:
    for name, content in PHOTOS.items():
        (tmp_path / f"{name}.png").write_bytes(content)
    application = Application(partial(build_container, tasks=BOTH), default_container)
    photos = [str(tmp_path / f"{name}.png") for name in PHOTOS]
    shown = CliRunner().invoke(program(application, BOTH), ["difference", *photos, "--gain", "2.5"])
    assert shown.exit_code == 0, shown.output
    assert shown.output.strip() == f"mean difference {EXPECTED.mean:.3f}"


def test_the_type_of_the_result_is_that_of_the_command() -> None:
    with over_rest(service("photo_difference")) as client:
        result: DifferenceResult = client.run(COMMAND)
    assert result == EXPECTED
