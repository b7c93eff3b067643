"""Real replicas of Ray Serve on a small cluster, which the module starts and ends."""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import psutil
import pytest
import requests
import tritonclient.http

from tests.support.checkpoints import save_checkpoint
from tests.support.hostile import encoded
from tests.support.servers import free_port
from vizion3d.client import GrpcClient, RestClient
from vizion3d.errors import InvalidConfigError, InvalidImageError, ModelNotAllowedError
from vizion3d.lifting import DepthEstimation, DepthEstimationCommand
from vizion3d.proto import lifting_pb2, lifting_pb2_grpc
from vizion3d.ray.app import build
from vizion3d.ray.cluster import connected
from vizion3d.ray.serving import end, start

pytestmark = pytest.mark.process

PHOTO = encoded(size=(48, 32))
KEY = "secret"
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


def post(port: int, size: int) -> requests.Response:
    return requests.post(
        f"http://127.0.0.1:{port}/lifting/depth-estimation",
        files={"image": PHOTO},
        data={"input_size": str(size)},
        headers={"Accept": "application/x-npy", "X-API-Key": KEY},
        timeout=120,
    )


def test_what_is_too_much_is_refused_and_the_rest_is_right(ports: tuple[int, int]) -> None:
    right = post(ports[0], 560).content
    with ThreadPoolExecutor(3 * CAPACITY) as pool:
        answers = list(pool.map(lambda _: post(ports[0], 560), range(3 * CAPACITY)))
    statuses = Counter(answer.status_code for answer in answers)
    assert statuses.keys() == {200, 503}, statuses
    assert statuses[200] >= 2
    for answer in answers:
        if answer.status_code == 200:
            assert answer.content == right
        else:
            assert float(answer.headers["Retry-After"]) >= 1


def replicas_now() -> list[psutil.Process]:
    named = psutil.process_iter(["cmdline"])
    return [p for p in named if "ServeReplica" in "".join(p.info["cmdline"] or ())]


def test_a_killed_replica_gives_no_wrong_answer(ports: tuple[int, int]) -> None:
    right = post(ports[0], 280).content
    replicas = replicas_now()

    def one(number: int) -> requests.Response:
        if number == 6:
            os.kill(replicas[0].pid, signal.SIGKILL)
        return post(ports[0], 280)

    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(one, range(24)))
    statuses = Counter(answer.status_code for answer in answers)
    lost = [(a.status_code, a.headers, a.text) for a in answers if a.status_code not in (200, 503)]
    assert lost == []
    assert statuses[200] >= 12
    assert {answer.content for answer in answers if answer.status_code == 200} == {right}


def test_a_replica_lost_over_grpc_can_be_asked_again(
    ports: tuple[int, int], models: list[str]
) -> None:
    """Who is at work is killed; what it had is ``UNAVAILABLE``."""
    request = lifting_pb2.DepthEstimationRequest(
        image_bytes=PHOTO, model_backend=models[0], input_size=840
    )

    def one() -> grpc.StatusCode:
        with grpc.insecure_channel(f"127.0.0.1:{ports[1]}") as channel:
            stub = lifting_pb2_grpc.LiftingServiceStub(channel)
            try:
                stub.RunDepthEstimation(request, timeout=60, metadata=(("x-api-key", KEY),))
            except grpc.RpcError as error:
                told: Any = error
                code: grpc.StatusCode = told.code()
                return code
        return grpc.StatusCode.OK

    def busy_s(process: psutil.Process) -> float:
        return sum(process.cpu_times()[:2])

    assert one() is grpc.StatusCode.OK
    idle_s = {process: busy_s(process) for process in replicas_now()}
    at_work: list[psutil.Process] = []
    until = time.monotonic() + 60
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(one) for _ in range(4)]
        while not at_work and time.monotonic() < until:
            at_work = [process for process, s in idle_s.items() if busy_s(process) > s + 0.1]
        for process in at_work:
            process.kill()
        codes = Counter(each.result() for each in asked)
    refused = grpc.StatusCode.RESOURCE_EXHAUSTED  # by the one that is left
    assert codes.keys() <= {grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE, refused}, codes
    assert codes[grpc.StatusCode.UNAVAILABLE] >= 1, codes


def test_several_models_are_deployments(ports: tuple[int, int], models: list[str]) -> None:
    """They take the place of the application that was there."""
    start({"depth_model": models, "cpus": 0.5, "max_queue": 1}, "127.0.0.1", *ports)
    with RestClient(f"http://127.0.0.1:{ports[0]}") as client:
        for model in models:
            answer = client.run(ask(model))
            assert answer == DepthEstimation().run(ask(model))
        assert client.run(ask("")).backend_used == Path(models[0]).name
        with pytest.raises(InvalidImageError, match="not an image"):
            client.run(ask(models[1], b"no photo"))


@pytest.mark.parametrize(
    "arguments",
    [
        {"depth_modle": "nano"},
        {"min_replicas": 3, "max_replicas": 2},
        {"depth_model": ["nano", "small"], "stereo_model": ["sgbm", "s2m2"]},
    ],
)
def test_what_makes_no_sense_is_told(arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidConfigError):
        build(arguments)
