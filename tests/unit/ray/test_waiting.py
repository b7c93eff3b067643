import time
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from vizion3d.ray.counting import CountWaiting
from vizion3d.ray.proxy import ServeErrors
from vizion3d.ray.waiting import ARRIVED, waited_s
from vizion3d.server.metrics import Metrics
from vizion3d.server.scheduler import Scheduler


@pytest.mark.parametrize("noted", [None, "", "soon", "nan", "inf", "1e12"])
def test_what_is_no_time_of_the_past_is_no_waiting(noted: str | None) -> None:
    assert waited_s(noted) == 0


def test_waiting_is_counted_from_the_proxy_on_whatever_the_client_claims() -> None:
    noted: list[bytes] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        noted.extend(value for name, value in scope["headers"] if name == ARRIVED.encode())
        await PlainTextResponse("")(scope, receive, send)

    TestClient(ServeErrors(application)).get("/", headers={ARRIVED: "1"})
    (arrived,) = noted
    assert waited_s(arrived.decode()) < 30


def test_what_has_waited_too_long_at_the_proxy_is_refused_by_the_replica() -> None:
    done = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        scheduler = Scheduler(1, 60, Metrics())
        try:
            await scheduler.run(lambda: done.append(scope["path"]))
        finally:
            scheduler.close()
        await PlainTextResponse("")(scope, receive, send)

    client: Any = TestClient(CountWaiting(application), raise_server_exceptions=False)
    late = client.get("/late", headers={ARRIVED: str(time.time() - 61)})
    assert (late.status_code, done) == (500, [])
    assert client.get("/in-time", headers={ARRIVED: str(time.time() - 1)}).status_code == 200
    assert done == ["/in-time"]
