"""Requests drawn by chance are answered or refused; none makes a server fail."""

import random
from collections import Counter
from typing import Any

import pytest

from tests.support.in_process import over_grpc, over_rest
from tests.support.stereo_requests import draw, fault_over_grpc, fault_over_rest
from vizion3d.server.settings import ServerSettings
from vizion3d.serving import build_service

COUNT = 100
"""More: ``python -m benchmarks.stereo_requests``."""


def settings() -> ServerSettings:
    return ServerSettings(port=0, features=("stereo_depth",))


@pytest.mark.slow
def test_no_request_makes_the_rest_server_fail() -> None:
    chance = random.Random(1)
    with over_rest(build_service(settings())) as client:
        outcomes = [(request, fault_over_rest(client, request)) for request in _drawn(chance)]
    assert [outcome for outcome in outcomes if outcome[1][1]] == []
    statuses = Counter(status for _, (status, _) in outcomes)
    assert {200, 400, 422} <= set(statuses)


@pytest.mark.slow
def test_no_request_makes_the_grpc_server_fail() -> None:
    chance = random.Random(2)
    with over_grpc(build_service(settings())) as client:
        outcomes = [(request, fault_over_grpc(client, request)) for request in _drawn(chance)]
    assert [outcome for outcome in outcomes if outcome[1][1]] == []
    assert {"OK", "INVALID_ARGUMENT"} <= {code for _, (code, _) in outcomes}


def _drawn(chance: random.Random) -> list[Any]:
    return [draw(chance) for _ in range(COUNT)]
