"""Real replicas of Ray Serve on a small cluster, which the module starts and ends."""

import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import psutil
import pytest
import requests
import tritonclient.http
from typer.testing import CliRunner

from tests.ray.calls import (
    KEY,
    PHOTO,
    SLOW,
    Lifting,
    busy_s,
    can_run,
    infer,
    metric,
    post,
    repeated,
    replicas_now,
    running,
    until,
)
from tests.support.checkpoints import save_checkpoint
from tests.support.servers import free_port
from vizion3d.client import GrpcClient, RestClient
from vizion3d.errors import InvalidImageError, ModelNotAllowedError
from vizion3d.lifting import DepthEstimation, DepthEstimationCommand
from vizion3d.programs.cli import app
from vizion3d.ray.cluster import connected
from vizion3d.ray.serving import end, start

pytestmark = pytest.mark.process

QUEUED = 2
CAPACITY = 2 * (1 + 1) + QUEUED
"""Two replicas, each with one request at the network and one that waits; and Serve's own queue."""


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    with connected(cpus=4) as started:
        yield started


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("models")
    return [str(save_checkpoint(folder / f"{seed}.safetensors", seed=seed)) for seed in (0, 1)]


@pytest.fixture(scope="module")
def ports(
    ray: Any, models: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[int, int]]:
    """Of REST and gRPC, in front of two replicas that ask for a key."""
    keys = tmp_path_factory.mktemp("keys") / "keys"
    keys.write_text(KEY)
    rest, rpc = free_port(), free_port()
    arguments = {
        "depth_model": models[0],
        "api_key_file": str(keys),
        "max_queue": 1,
        "max_queued_requests": QUEUED,
        "min_replicas": 2,
        "max_replicas": 2,
        "cpus": 0.5,
    }
    start(arguments, "127.0.0.1", rest, rpc)
    yield rest, rpc
    end()


def ask(model: str, image: Any = PHOTO, size: int = 28) -> DepthEstimationCommand:
    return DepthEstimationCommand(image, model, input_size=size)


@pytest.fixture(scope="module")
def expected(models: list[str]) -> Any:
    return DepthEstimation().run(ask(models[0]))


@pytest.fixture(scope="module")
def lifting(ports: tuple[int, int], models: list[str]) -> Lifting:
    return Lifting(*ports, models[0])


@pytest.fixture(scope="module")
def depth(lifting: Lifting) -> Any:
    return lifting.depth()


@pytest.fixture(scope="module")
def npy(lifting: Lifting) -> bytes:
    return post(lifting.rest_port, lifting.size).content


@pytest.fixture(scope="module")
def replicas(depth: Any, npy: bytes) -> set[psutil.Process]:
    """The two that there are at first; they have answered before one is killed."""
    return set(replicas_now())


def test_rest_and_grpc_answer_what_the_library_does(
    ports: tuple[int, int], models: list[str], expected: Any
) -> None:
    clients: list[Any] = [
        RestClient(f"http://127.0.0.1:{ports[0]}", api_key=KEY),
        GrpcClient(f"127.0.0.1:{ports[1]}", api_key=KEY),
    ]
    for client in clients:
        with client:
            assert client.run(ask(models[0])) == expected
            with pytest.raises(InvalidImageError):
                client.run(ask(models[0], b"no photo"))
            with pytest.raises(ModelNotAllowedError):
                client.run(ask("base"))
    with GrpcClient(f"127.0.0.1:{ports[1]}", api_key=KEY) as client:
        stream = client.run_stream([ask(models[0])] * 3)
        assert list(stream) == [expected] * 3


def test_the_key_and_the_other_routes_are_those_of_the_plain_server(
    ports: tuple[int, int], expected: Any
) -> None:
    url = f"http://127.0.0.1:{ports[0]}"
    assert requests.get(f"{url}/ready", timeout=60).json() == {"status": "ready"}
    assert requests.get(url, timeout=60).status_code == 200
    refused = requests.get(f"{url}/models", timeout=60)
    assert (refused.status_code, refused.json()["type"]) == (401, "urn:vizion3d:unauthorized")
    method = grpc.insecure_channel(f"127.0.0.1:{ports[1]}").unary_unary(
        "/inference.GRPCInferenceService/ServerMetadata", bytes, bytes
    )
    with pytest.raises(grpc.RpcError) as told:
        method(b"", timeout=60)
    error: Any = told.value
    assert error.code() is grpc.StatusCode.UNAUTHENTICATED
    assert b"vizion3d" in method(b"", timeout=60, metadata=(("x-api-key", KEY),))
    triton = tritonclient.http.InferenceServerClient(f"127.0.0.1:{ports[0]}")
    image = tritonclient.http.InferInput("image", [1], "BYTES")
    image.set_data_from_numpy(np.array([PHOTO], np.object_))
    options = {"parameters": {"input_size": 28}, "headers": {"X-API-Key": KEY}}
    answer = triton.infer("depth_estimation", [image], **options)
    assert np.array_equal(answer.as_numpy("depth"), expected.raw_depth)


def test_what_is_too_much_is_refused_and_the_rest_is_right(lifting: Lifting) -> None:
    some = replace(lifting, size=560)
    right = post(some.rest_port, some.size).content
    with ThreadPoolExecutor(3 * CAPACITY) as pool:
        outcomes = Counter(pool.map(lambda _: some.rest(right), range(3 * CAPACITY)))
    assert outcomes.keys() == {"right", "again"}, outcomes
    assert outcomes["right"] >= 2


def test_a_killed_replica_gives_no_wrong_answer(
    lifting: Lifting, replicas: set[psutil.Process]
) -> None:
    small = replace(lifting, size=280)
    right = post(small.rest_port, small.size).content

    def one(number: int) -> str:
        if number == 6:
            next(iter(replicas)).kill()
        return small.rest(right)

    with ThreadPoolExecutor(3) as pool:
        outcomes = Counter(pool.map(one, range(24)))
    assert outcomes.keys() <= {"right", "again"}, outcomes
    assert outcomes["right"] >= 12


def test_a_replica_lost_over_grpc_can_be_asked_again(
    lifting: Lifting, depth: Any, replicas: set[psutil.Process]
) -> None:
    """The one that is left is killed at work."""
    (replica,) = replicas & set(replicas_now())
    idle_s = busy_s(replica)
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(lifting.unary, depth) for _ in range(2)]
        until(lambda: busy_s(replica) > idle_s + 0.1)
        replica.kill()
        assert [each.result() for each in asked] == ["again"] * 2


def test_replicas_come_and_go_with_the_requests(
    lifting: Lifting, models: list[str], depth: Any, npy: bytes
) -> None:
    """And what is under way when one goes is answered."""
    serving = {
        "depth_model": models[0],
        "max_queue": 1,
        "max_replicas": 2,
        "target_ongoing_requests": 4,
        "upscale_delay_s": 0,
        "downscale_delay_s": 0.5,
        "look_back_period_s": 1,
        "cpus": 0.5,
    }
    small = replace(lifting, size=280)
    come, gone = threading.Event(), threading.Event()
    start(serving, "127.0.0.1", lifting.rest_port, lifting.grpc_port)
    right = post(small.rest_port, small.size).content
    with ThreadPoolExecutor(10) as pool:
        load = repeated(pool, lambda: small.rest(right), 7, come)
        until(lambda: running() == 2)
        before_s = {process: busy_s(process) for process in replicas_now()}
        until(lambda: all(busy_s(process) > s + 0.3 for process, s in before_s.items()))
        few = repeated(pool, lambda: lifting.rest(npy), 2, gone)
        few += repeated(pool, lambda: lifting.unary(depth), 1, gone)
        come.set()
        until(lambda: running() == 1)
        gone.set()
        assert set().union(*(each.result() for each in load + few)) == {"right"}
    until(lambda: len(replicas_now()) == 1)


def test_what_is_out_of_time_leaves_the_network_to_the_others(
    lifting: Lifting, depth: Any, npy: bytes
) -> None:
    """One replica; a request is at the network, one waits there, the others at Serve's proxies."""
    port = lifting.rest_port
    before = metric(port, "vizion3d_batch_images_sum")
    with ThreadPoolExecutor(5) as pool:
        first = pool.submit(lifting.rest, npy)
        until(lambda: metric(port, "vizion3d_requests_in_flight") == 1)
        late = [pool.submit(lifting.unary, depth, 0.15), pool.submit(infer, port, SLOW, 0.15)]
        behind = [pool.submit(lifting.rest, npy), pool.submit(lifting.unary, depth)]
        assert late[0].result() == "DEADLINE_EXCEEDED"
        assert late[1].result() == "504 urn:vizion3d:deadline-exceeded"
        assert [each.result() for each in (first, *behind)] == ["right"] * 3
    assert metric(port, "vizion3d_batch_images_sum") == before + 3
    assert lifting.unary(depth, 0.15) == "DEADLINE_EXCEEDED"  # at the network, which goes on
    assert lifting.rest(npy) == "right"


def test_several_models_are_deployments_and_the_signal_to_end_lets_them_finish(
    lifting: Lifting, models: list[str], depth: Any, npy: bytes
) -> None:
    """They take the place of the application that was there, which finishes what it is at."""
    ended = threading.Event()

    def client() -> Any:
        try:
            return use_several_models(lifting, models, pool)
        finally:
            if not ended.is_set():
                os.kill(os.getpid(), signal.SIGTERM)

    ports = f"--port {lifting.rest_port} --grpc-port {lifting.grpc_port}"
    told = f"{ports} --cpus-per-replica 0.5 --set max_queue=1".split()
    told += [word for model in models for word in ("--depth_model", model)]
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    with ThreadPoolExecutor(16) as pool:
        before = lifting.under_way(pool, depth, npy)
        using = pool.submit(client)
        outcome = CliRunner().invoke(app, ["serve-ray", *told])
        ended.set()
        for number, handler in handlers.items():
            signal.signal(number, handler)
        assert (outcome.exit_code, outcome.exception) == (0, None), outcome.output
        assert before.result() == ["right"] * 4
        under_way, late = using.result()
        assert under_way.result() == ["right"] * 4
        assert late.result()[-1] == "again"


def use_several_models(
    lifting: Lifting, models: list[str], pool: ThreadPoolExecutor
) -> "tuple[Future[list[str]], Future[list[str]]]":
    """Both; and what is under way then, and comes after."""
    with RestClient(f"http://127.0.0.1:{lifting.rest_port}") as client:
        until(lambda: can_run(client, ask(models[1])))
        for model in models:
            assert client.run(ask(model)) == DepthEstimation().run(ask(model))
        assert client.run(ask("")).backend_used == Path(models[0]).name
        with pytest.raises(InvalidImageError, match="not an image"):
            client.run(ask(models[1], b"no photo"))
    depth, npy = lifting.depth(), post(lifting.rest_port, lifting.size).content
    small = replace(lifting, size=28)
    right = post(small.rest_port, small.size).content
    under_way = lifting.under_way(pool, depth, npy)
    return under_way, pool.submit(small.until_refused, right)
