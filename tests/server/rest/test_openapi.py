"""The OpenAPI document says what a real server does."""

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings

from tests.support.hostile import FORMATS, encoded
from tests.support.servers import Server, running
from vizion3d.programs.rest import create_app
from vizion3d.server.settings import ServerSettings
from vizion3d.wire.problems import STATUSES

pytestmark = pytest.mark.server

SERVED = ServerSettings(port=0, features=("depth_estimation",), models={"depth_estimation": "nano"})
DOCUMENT = create_app(SERVED).openapi()
DEPTH_PATH = "/lifting/depth-estimation"
PHOTOS = [encoded(file_format, (32, 24)) for file_format in FORMATS]
MEDIA_TYPES = (
    "*/*",
    *DOCUMENT["paths"][DEPTH_PATH]["post"]["responses"]["200"]["content"],
)

schema = schemathesis.openapi.from_dict(
    DOCUMENT, config=schemathesis.Config.from_dict({"generation": {"deterministic": True}})
)


def make_valid_tensors(case: Any) -> None:
    """Likewise of a model's inputs: there is one, and its datatype, shape and content agree."""
    case.path_parameters["model"] = "nano"
    photo = base64.b64encode(PHOTOS[0]).decode()
    image = {"name": "image", "datatype": "BYTES", "shape": [1], "data": [photo]}
    case.body.update(inputs=[image], outputs=[{"name": "depth"}], parameters={"input_size": 14})


def make_valid(case: Any) -> None:
    """What JSON schema cannot say of a valid form: an image is one, and depth_near is the less."""
    valid = case.meta is None or case.meta.generation.mode.is_positive
    if not valid or not isinstance(case.body, dict):
        return
    if case.path.endswith("/infer"):
        make_valid_tensors(case)
        return
    seed = len(repr(sorted(case.body.items(), key=repr)))
    case.body["image"] = PHOTOS[seed % len(PHOTOS)]
    if {"depth_near", "depth_trunc"} & case.body.keys():
        near, far = case.body.get("depth_near"), case.body.get("depth_trunc")
        near, far = 0.5 if near is None else near, 10.0 if far is None else max(far, 1)
        case.body["depth_near"], case.body["depth_trunc"] = min(near, far / 2), far
    # The rest is text that is read further, or must fit the photo.
    sensible = {
        "cx": 15.5,
        "cy": 11.5,
        "camera": "primesense",
        "model_backend": "nano",
        "voxel": 0.1,
    }
    case.body.update({name: value for name, value in sensible.items() if name in case.body})
    for name in ("fov", "points", "distances", "planes", "sparse_depth", "calibration"):
        case.body.pop(name, None)
    for name in ("camera_height_m", "camera_pitch_deg"):
        case.body.pop(name, None)
    if {"width_px", "height_px"} & case.body.keys():  # both or neither
        case.body.update(width_px=32, height_px=24)
    if isinstance(case.body.get("input_size"), int):
        case.body["input_size"] = 14 + case.body["input_size"] % 42  # quick
    case.headers["Accept"] = MEDIA_TYPES[seed % len(MEDIA_TYPES)]


@pytest.fixture(scope="module")
def rest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("openapi") / "log"
    with running("rest", log, "--depth_model", "nano") as server:
        yield server
    assert "Traceback" not in log.read_text()


@schema.parametrize()
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_route_keeps_to_the_document(case: Any, rest: Server) -> None:
    make_valid(case)
    case.call_and_validate(base_url=rest.url)


def test_the_checks_above_saw_good_and_bad_requests(rest: Server) -> None:
    seen = {line["status"] for line in rest.access_log() if line["path"] == DEPTH_PATH}
    assert {200, 405, 422} <= seen


def test_the_served_document_is_the_checked_one(rest: Server) -> None:
    served = requests.get(f"{rest.url}/openapi.json", timeout=10).json()
    assert served == DOCUMENT
    assert served["openapi"].startswith("3.1")


def test_every_status_of_the_table_is_in_the_document() -> None:
    told = DOCUMENT["paths"][DEPTH_PATH]["post"]["responses"]
    possible = {status.http for status in STATUSES.values()} | {400, 401, 406, 408, 413, 415}
    assert {int(status) for status in told} == possible | {200}
    for status in possible:
        content = told[str(status)]["content"]
        assert set(content) == {"application/problem+json"}
    for operations in DOCUMENT["paths"].values():
        for operation in operations.values():
            for answer in operation["responses"].values():
                assert "X-Request-ID" in answer["headers"]
                assert answer["description"]


def test_every_media_type_of_the_document_is_answered(rest: Server) -> None:
    for media_type in MEDIA_TYPES[1:]:
        answer = requests.post(
            rest.depth_url,
            files={"image": PHOTOS[0]},
            data={"input_size": "14"},
            headers={"Accept": media_type},
            timeout=60,
        )
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == media_type


def test_a_client_can_be_generated_from_it() -> None:
    """It needs plain names, fields that are of one type, and a file that is marked as one."""
    operations = [op for path in DOCUMENT["paths"].values() for op in path.values()]
    names = {operation["operationId"] for operation in operations}
    inference = {"infer", "inference_model", "inference_model_ready", "inference_server"}
    health = {"health", "ready", "inference_live", "inference_ready"}
    assert names == {"estimate_depth", "models", "metrics", *health, *inference}
    fields = DOCUMENT["components"]["schemas"]["Body_estimate_depth"]["properties"]
    assert fields["image"]["format"] == "binary"
    assert all("type" in field and "anyOf" not in field for field in fields.values())


def test_the_key_is_in_the_document_where_one_is_needed(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("secret\n")
    secured = create_app(ServerSettings(port=0, api_key_file=keys)).openapi()
    assert "securitySchemes" not in DOCUMENT["components"]
    assert secured["components"]["securitySchemes"] == {
        "ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"}
    }
    needs_key = {
        path
        for path, operations in secured["paths"].items()
        for operation in operations.values()
        if operation.get("security") == [{"ApiKey": []}]
    }
    assert needs_key == secured["paths"].keys() - {
        "/health",
        "/ready",
        "/v2/health/live",
        "/v2/health/ready",
    }


def test_the_documentation_needs_no_internet(rest: Server) -> None:
    page = requests.get(f"{rest.url}/docs", timeout=10)
    assert page.status_code == 200
    assert not re.findall(r"(?:https?:)?//[\w.-]+\.\w+", page.text)
    assert re.search(r'"validatorUrl": null', page.text)
    assets = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
    assert len(assets) == 2
    for asset in assets:
        answer = requests.get(rest.url + asset, timeout=10)
        assert answer.status_code == 200
        assert len(answer.content) > 10_000
