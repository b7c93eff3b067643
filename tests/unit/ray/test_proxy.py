import pytest
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from vizion3d.ray.proxy import LostReplicas


async def no_answer(scope: Scope, receive: Receive, send: Send) -> None:
    """What Serve's proxy does where a replica dies before its answer begins."""


OURS = JSONResponse({"detail": "a fault"}, 500, media_type="application/problem+json")


@pytest.mark.parametrize(
    ("app", "status", "retry"),
    [
        (no_answer, 503, "1"),
        (PlainTextResponse("The actor died", 500), 503, "1"),
        (OURS, 500, None),
        (PlainTextResponse("fine"), 200, None),
        (PlainTextResponse("busy", 503, {"Retry-After": "7"}), 503, "7"),
    ],
)
def test_only_what_is_lost_is_to_be_tried_again(
    app: ASGIApp, status: int, retry: str | None
) -> None:
    answer = TestClient(LostReplicas(app)).post("/", content=b"photo")
    assert (answer.status_code, answer.headers.get("Retry-After")) == (status, retry)
