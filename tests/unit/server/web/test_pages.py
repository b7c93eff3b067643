"""The page and its files, and the headers they come with."""

import re

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from vizion3d.server.web import mount_web
from vizion3d.server.web.pages import STATIC


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    mount_web(app)
    return TestClient(app)


def files() -> list[str]:
    found = (path for path in STATIC.rglob("*") if path.is_file())
    return sorted(path.relative_to(STATIC).as_posix() for path in found)


@pytest.mark.parametrize("path", ["/", *(f"/ui/{name}" for name in files())])
def test_everything_is_served_with_the_headers_that_hold_a_browser_to_this_server(
    client: TestClient, path: str
) -> None:
    response = client.get(path)
    assert response.status_code == 200
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "camera=(self)" in response.headers["Permissions-Policy"]


def test_a_browser_asks_again_for_our_files_and_keeps_vendored_ones(client: TestClient) -> None:
    assert client.get("/").headers["Cache-Control"] == "no-cache"
    script = client.get("/ui/js/main.js")
    assert script.headers["Cache-Control"] == "no-cache"
    unchanged = client.get("/ui/js/main.js", headers={"If-None-Match": script.headers["ETag"]})
    assert unchanged.status_code == 304
    (three,) = STATIC.glob("vendor/*/three.core.min.js")
    kept = client.get(f"/ui/{three.relative_to(STATIC).as_posix()}")
    assert "immutable" in kept.headers["Cache-Control"]


@pytest.mark.parametrize("path", ["/ui/", "/ui/no.js", "/ui/../pages.py", "/ui/%2e%2e/pages.py"])
def test_nothing_else_is_served(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_the_page_is_no_part_of_the_api(client: TestClient) -> None:
    assert not client.get("/openapi.json").json()["paths"]


def test_every_file_that_the_page_names_is_there() -> None:
    named = set(re.findall(r'(?:src|href)="/ui/([^"]+)"', (STATIC / "index.html").read_text()))
    assert named
    assert named <= set(files())
