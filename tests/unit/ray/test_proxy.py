import pytest
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from vizion3d.errors import DeadlineExceededError, OverloadedError, Vizion3DError
from vizion3d.ray.proxy import ServeErrors
from vizion3d.wire.problems import TYPE_PREFIX, error_of


async def no_answer(scope: Scope, receive: Receive, send: Send) -> None:
    """What Serve's proxy does where a replica dies before its answer begins."""


def ours(status: int, **headers: str) -> Response:
    return JSONResponse(
        {"status": "ours"}, status, {"X-Content-Type-Options": "nosniff", **headers}
    )


@pytest.mark.parametrize(
    ("app", "status", "kind", "retry"),
    [
        (no_answer, 503, OverloadedError, "1"),
        (PlainTextResponse("The actor died", 500), 503, OverloadedError, "1"),
        (PlainTextResponse("Path '/' not found", 404), 503, OverloadedError, "1"),
        (PlainTextResponse("busy", 503, {"Retry-After": "7"}), 503, OverloadedError, "7"),
        (PlainTextResponse("Request 1 timed out", 408), 504, DeadlineExceededError, None),
    ],
)
def test_what_serve_says_itself_is_told_as_the_plain_server_would(
    app: ASGIApp, status: int, kind: type[Vizion3DError], retry: str | None
) -> None:
    answer = TestClient(ServeErrors(app)).post("/", content=b"photo")
    assert (answer.status_code, answer.headers.get("Retry-After")) == (status, retry)
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    error = error_of(problem["type"].removeprefix(TYPE_PREFIX), problem["detail"])
    assert type(error) is kind
    assert "again" in str(error)


@pytest.mark.parametrize(
    "answer",
    [
        ours(500),
        ours(404),
        ours(503, **{"Retry-After": "3"}),
        PlainTextResponse("fine"),
        JSONResponse({"of": "another application"}, 500),
    ],
)
def test_what_an_application_says_is_left_as_it_is(answer: Response) -> None:
    told = TestClient(ServeErrors(answer)).post("/", content=b"photo")
    assert (told.status_code, told.content) == (answer.status_code, answer.body)
    assert told.headers.get("Retry-After") == answer.headers.get("Retry-After")
