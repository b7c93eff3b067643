import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.support.in_process import over_grpc
from tests.support.toy.commands import DifferenceCommand, DifferenceResult
from tests.support.toy.task import DIFFERENCE, handled_by
from vizion3d.app import build_container
from vizion3d.checkpoints.commands import DownloadModelCommand
from vizion3d.client import GrpcClient
from vizion3d.errors import (
    DeadlineExceededError,
    InvalidImageError,
    ServerError,
    Vizion3DError,
)
from vizion3d.server.service import Service
from vizion3d.server.settings import ServerSettings
from vizion3d.serving import build_service
from vizion3d.settings import load_settings

PHOTO = np.zeros((4, 4, 3), np.uint8)
MISSING = DifferenceCommand("no/such/photo.png", PHOTO)
WITHIN_S = 10


def frame(mean: int) -> DifferenceCommand:
    return DifferenceCommand(PHOTO, PHOTO + np.uint8(mean))


def service(**settings: object) -> Service:
    return build_service(ServerSettings(port=0, **settings), (DIFFERENCE,))


@pytest.fixture
def client() -> Iterator[GrpcClient]:
    with over_grpc(service(), timeout_s=WITHIN_S) as connected:
        yield connected


def means(outcomes: list[DifferenceResult | Vizion3DError]) -> list[float | str]:
    return [o.mean if isinstance(o, DifferenceResult) else type(o).__name__ for o in outcomes]


def outcomes_of(
    client: GrpcClient, *commands: DifferenceCommand
) -> list[DifferenceResult | Vizion3DError]:
    outcomes = client.run_stream(commands)
    return list(outcomes)


def test_a_frame_that_cannot_be_sent_is_its_own_error_as_in_run(client: GrpcClient) -> None:
    with pytest.raises(InvalidImageError, match=r"no/such/photo\.png"):
        client.run(MISSING)
    outcomes = outcomes_of(client, frame(1), MISSING, MISSING, frame(2))
    assert means(outcomes) == [1, "InvalidImageError", "InvalidImageError", 2]
    assert "no/such/photo.png" in str(outcomes[1])


def test_a_client_in_lock_step_gets_each_outcome_before_it_sends_the_next(
    client: GrpcClient,
) -> None:
    came = threading.Semaphore(1)

    def commands() -> Iterator[DifferenceCommand]:
        for command in (frame(1), MISSING, frame(2), MISSING):
            assert came.acquire(timeout=WITHIN_S)
            yield command

    outcomes = []
    for outcome in client.run_stream(commands()):
        outcomes.append(outcome)
        came.release()
    assert means(outcomes) == [1, "InvalidImageError", 2, "InvalidImageError"]


def test_what_the_source_raises_comes_after_the_results_of_those_before(
    client: GrpcClient,
) -> None:
    def commands() -> Iterator[DifferenceCommand]:
        yield frame(1)
        yield frame(2)
        raise KeyError("camera unplugged")

    outcomes = client.run_stream(commands())
    assert means([next(outcomes), next(outcomes)]) == [1, 2]
    with pytest.raises(KeyError, match="camera unplugged"):
        next(outcomes)


def test_a_source_that_fails_at_once_and_one_that_is_empty(client: GrpcClient) -> None:
    def broken() -> Iterator[DifferenceCommand]:
        raise KeyError("no camera")
        yield frame(1)

    outcomes = client.run_stream(broken())
    with pytest.raises(KeyError, match="no camera"):
        next(outcomes)
    assert list(client.run_stream([])) == []


def test_commands_are_taken_only_a_few_ahead_of_the_results(client: GrpcClient) -> None:
    taken = 0

    def commands() -> Iterator[DifferenceCommand]:
        nonlocal taken
        for _ in range(200):
            taken += 1
            yield frame(1)

    outcomes = client.run_stream(commands())
    for _ in range(3):
        next(outcomes)
    threading.Event().wait(0.3)
    assert 3 <= taken <= 20
    outcomes.close()


def test_a_server_that_does_not_answer_in_time_is_told(client: GrpcClient) -> None:
    silent = threading.Event()

    def commands() -> Iterator[DifferenceCommand]:
        yield frame(1)
        silent.wait(WITHIN_S)  # a camera may take its time

    stream = client.run_stream(commands())
    assert means([next(stream)]) == [1]
    silent.set()
    assert list(stream) == []


def test_no_outcome_within_the_timeout_ends_the_stream() -> None:
    release = threading.Event()

    here = build_container(load_settings(), tasks=(DIFFERENCE,))

    def handle_late(command: DifferenceCommand) -> DifferenceResult:
        release.wait(WITHIN_S)
        return here.commands.dispatch(command)

    slow = build_service(ServerSettings(port=0), (handled_by(handle_late),))
    with over_grpc(slow, timeout_s=0.2) as client:
        with pytest.raises(DeadlineExceededError, match=r"no answer within 0\.2 s"):
            outcomes_of(client, frame(1))
        with pytest.raises(DeadlineExceededError):
            client.run(frame(1))
        release.set()


def test_a_server_that_is_not_there_is_told_so_for_streams_too() -> None:
    with (
        GrpcClient("127.0.0.1:9") as client,
        pytest.raises(ServerError, match="UNAVAILABLE"),
    ):
        outcomes_of(client, frame(1))


def test_commands_that_are_not_sent_to_servers_are_refused(client: GrpcClient) -> None:
    with pytest.raises(ServerError, match="DownloadModelCommand cannot be sent"):
        client.run(DownloadModelCommand())


def test_the_key_is_sent(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("secret\n")
    with over_grpc(service(api_key_file=keys), api_key="secret") as client:
        assert client.run(frame(3)).mean == 3
    with (
        over_grpc(service(api_key_file=keys), api_key="wrong") as client,
        pytest.raises(ServerError, match="needs an API key"),
    ):
        client.run(frame(3))
