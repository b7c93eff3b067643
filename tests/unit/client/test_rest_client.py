import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from tests.support.in_process import over_rest
from tests.support.toy.commands import DifferenceCommand
from tests.support.toy.task import DIFFERENCE
from vizion3d.client import RestClient
from vizion3d.errors import InvalidImageError, OverloadedError, ServerError
from vizion3d.server.settings import ServerSettings
from vizion3d.serving import build_service

PHOTO = np.zeros((4, 4, 3), np.uint8)
COMMAND = DifferenceCommand(PHOTO, PHOTO + 1)
URL = "http://some-server"
MODEL = {
    "name": "nano",
    "default": True,
    "variant": "nano",
    "parameters": 1,
    "licence": "Apache-2.0",
    "depth_kind": "relative",
    "max_depth_m": None,
    "loaded": None,
}


class Told(BaseAdapter):
    """A server that always answers the same, and remembers what it was asked."""

    def __init__(self, status: int, content: bytes, **headers: str) -> None:
        super().__init__()
        self.answer = status, content, headers
        self.asked: list[requests.PreparedRequest] = []

    # The options of a real adapter are all taken, and none is used.
    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        self.asked.append(request)
        response = requests.Response()
        response.status_code, response._content, headers = self.answer
        response.headers, response.url = CaseInsensitiveDict(headers), request.url or ""
        return response

    def close(self) -> None:
        pass


def client_of(server: BaseAdapter, **settings: Any) -> RestClient:
    client = RestClient(URL + "/", **settings)
    client._session.mount(URL, server)
    return client


def test_a_newer_servers_fields_are_left_out_and_an_older_ones_are_unknown() -> None:
    newer = Told(200, json.dumps([MODEL | {"invented": "later"}]).encode())
    (model,) = client_of(newer).models()
    assert (model.name, model.default, model.licence) == ("nano", True, "Apache-2.0")
    older = {name: value for name, value in MODEL.items() if name != "licence"}
    (model,) = client_of(Told(200, json.dumps([older]).encode())).models()
    assert model.licence is None


def test_problems_are_the_librarys_errors() -> None:
    def problem(name: str, **headers: str) -> Told:
        body = {"type": f"urn:vizion3d:{name}", "detail": "what was wrong"}
        return Told(400, json.dumps(body).encode(), **headers)

    with pytest.raises(InvalidImageError, match="what was wrong"):
        client_of(problem("invalid-image")).run(COMMAND)
    with pytest.raises(OverloadedError) as busy:
        client_of(problem("overloaded", **{"Retry-After": "7"})).run(COMMAND)
    assert busy.value.retry_after_s == 7
    with pytest.raises(ServerError, match="what was wrong"):
        client_of(problem("a-kind-of-later")).run(COMMAND)


@pytest.mark.parametrize("content", [b"<html>", b"[]", b'{"type": 3}', b'{"type": "x"}', b""])
def test_what_is_no_problem_of_ours_is_a_server_error(content: bytes) -> None:
    with pytest.raises(ServerError, match="answered 502"):
        client_of(Told(502, content)).run(COMMAND)


@pytest.mark.parametrize(
    ("content", "headers"),
    [(b"<html>", {}), (b"", {"X-Mean-Difference": "1"}), (b"no npy", {"X-Mean-Difference": "1"})],
)
def test_an_answer_that_is_none_of_ours_is_a_server_error(
    content: bytes, headers: dict[str, str]
) -> None:
    with pytest.raises(ServerError, match="no answer of vizion3d's"):
        client_of(Told(200, content, **headers)).run(COMMAND)
    with pytest.raises(ServerError, match="no answer of vizion3d's"):
        client_of(Told(200, content, **headers)).models()


def test_a_server_that_cannot_be_reached_is_told() -> None:
    class Unreachable(Told):
        # The options of a real adapter are all taken, and none is used.
        def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
            raise requests.ConnectionError("refused")

    asks: tuple[Callable[[RestClient], object], ...] = (
        lambda client: client.run(COMMAND),
        RestClient.models,
        RestClient.ready,
    )
    for ask in asks:
        with pytest.raises(ServerError, match="cannot be asked: refused"):
            ask(client_of(Unreachable(200, b"")))


def test_the_key_is_sent_and_answers_are_not_asked_for_compressed() -> None:
    server = Told(200, b"[]")
    client_of(server, api_key="secret").models()
    assert server.asked[0].headers["X-API-Key"] == "secret"
    assert server.asked[0].headers["Accept-Encoding"] == "identity"
    assert server.asked[0].url == f"{URL}/models"


def test_readiness_is_told() -> None:
    assert client_of(Told(200, b"")).ready()
    assert not client_of(Told(503, b"")).ready()
    with over_rest(build_service(ServerSettings(port=0), (DIFFERENCE,))) as client:
        assert client.ready()
