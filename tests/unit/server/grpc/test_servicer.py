import threading
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any

import numpy as np
import pytest

from tests.support.in_process import over_grpc
from tests.support.toy import wire
from tests.support.toy.client import to_request
from tests.support.toy.commands import DifferenceCommand
from tests.support.toy.task import DIFFERENCE
from vizion3d.client import GrpcClient
from vizion3d.server.grpc.servicer import FRAMES_AHEAD
from vizion3d.server.settings import ServerSettings
from vizion3d.serving import build_service

PHOTO = np.zeros((4, 4, 3), np.uint8)
GOOD = to_request(DifferenceCommand(PHOTO, PHOTO + 1))
BAD = to_request(DifferenceCommand(b"no photo", PHOTO))
WITHIN_S = 10


@pytest.fixture
def client() -> Iterator[GrpcClient]:
    with over_grpc(build_service(ServerSettings(port=0), (DIFFERENCE,))) as connected:
        yield connected


def stream(client: GrpcClient, requests: Iterator[Any]) -> Any:
    method = client._channel.stream_stream(
        wire.RPC.path("StreamPhotoDifference"),
        lambda message: message.SerializeToString(),
        wire.Outcome.FromString,
    )
    return method(requests, timeout=WITHIN_S)


def test_an_outcome_is_sent_as_soon_as_it_is_done(client: GrpcClient) -> None:
    """A client in lock-step sends frame k + 1 when it has outcome k."""
    outcome_came = threading.Semaphore(1)

    def requests() -> Iterator[Any]:
        for _ in range(4):
            assert outcome_came.acquire(timeout=WITHIN_S)
            yield GOOD

    indices = []
    for outcome in stream(client, requests()):
        assert outcome.WhichOneof("outcome") == "result"
        indices.append(outcome.index)
        outcome_came.release()
    assert indices == [0, 1, 2, 3]


def test_reading_goes_on_ahead_but_not_far(client: GrpcClient) -> None:
    taken: SimpleQueue[int] = SimpleQueue()

    def requests() -> Iterator[Any]:
        for index in range(20):
            taken.put(index)
            yield GOOD

    outcomes = list(stream(client, requests()))
    assert [outcome.index for outcome in outcomes] == list(range(20))
    assert FRAMES_AHEAD > 1


def test_a_frame_that_fails_tells_so_in_its_place(client: GrpcClient) -> None:
    outcomes = list(stream(client, iter([GOOD, BAD, GOOD])))
    assert [outcome.WhichOneof("outcome") for outcome in outcomes] == ["result", "error", "result"]
    assert (outcomes[1].error.problem, outcomes[1].error.code) == ("invalid-image", 3)


def test_a_stream_without_frames_ends(client: GrpcClient) -> None:
    assert list(stream(client, iter([]))) == []
