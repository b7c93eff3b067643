from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from pydantic import BaseModel

from vizion3d.errors import InvalidConfigError
from vizion3d.server.rest.forms import Photo, form


class Settings(BaseModel):
    """A configuration of a task."""

    depth_trunc: float = 10.0


@form(Settings)
async def read(image: Photo, config: dict[str, Any], model_backend: str = "") -> dict[str, Any]:
    del image, model_backend
    return config


@pytest.fixture
def client() -> Iterator[TestClient]:
    app = FastAPI()

    @app.post("/")
    def answer(asked: dict[str, Any] = Depends(read)) -> dict[str, Any]:  # noqa: B008 (FastAPI's way)
        return asked

    with TestClient(app) as client:
        yield client


FILES = {"image": b"photo"}


def test_what_is_sent_arrives(client: TestClient) -> None:
    assert client.post("/", files=FILES).json() == {}
    answer = client.post("/", files=FILES, data={"depth_trunc": "60"})
    assert answer.json() == {"depth_trunc": 60.0}


def test_a_misspelt_field_is_refused(client: TestClient) -> None:
    with pytest.raises(InvalidConfigError, match=r"no field 'depht_trunc'; did you mean depth_tr"):
        client.post("/", files=FILES, data={"depht_trunc": "60"})


def test_a_field_like_none_is_refused_with_those_there_are(client: TestClient) -> None:
    with pytest.raises(InvalidConfigError, match=r"its fields are depth_trunc, image, model_back"):
        client.post("/", files=FILES, data={"x" * 1000: "60"})


def test_a_field_that_is_sent_twice_is_refused(client: TestClient) -> None:
    with pytest.raises(InvalidConfigError, match="depth_trunc is in the form 2 times"):
        client.post("/", files=FILES, data={"depth_trunc": ["60", "70"]})
