"""Requests to replicas of Ray Serve, and what came of them."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import grpc
import numpy as np
import psutil
import requests
import tritonclient.http

from tests.support.hostile import encoded
from vizion3d.client import RestClient
from vizion3d.errors import ModelNotAllowedError, OverloadedError
from vizion3d.lifting import DepthEstimationCommand
from vizion3d.proto import lifting_pb2, lifting_pb2_grpc
from vizion3d.ray.app import HTTP_NAME

PHOTO = encoded(size=(48, 32))
KEY = "secret"
SLOW = 840
"""Input size of a request that takes the small network about half a second."""

RETRIABLE = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED}


def until(condition: Callable[[], bool], timeout_s: float = 60) -> None:
    """Wait for something that the cluster brings about."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)


def post(port: int, size: int) -> requests.Response:
    return requests.post(
        f"http://127.0.0.1:{port}/lifting/depth-estimation",
        files={"image": PHOTO},
        data={"input_size": str(size)},
        headers={"Accept": "application/x-npy", "X-API-Key": KEY},
        timeout=120,
    )


def rest_outcome(answer: requests.Response, right: bytes) -> str:
    """``right``, ``again``, or what else was answered."""
    if answer.status_code == 503 and float(answer.headers["Retry-After"]) > 0:
        return "again"
    is_right = answer.status_code == 200 and answer.content == right
    return "right" if is_right else f"{answer.status_code}: {answer.text}"


@dataclass(frozen=True)
class Lifting:
    """Requests of one image and one size, over REST and gRPC."""

    rest_port: int
    grpc_port: int
    model: str
    size: int = SLOW

    @property
    def request(self) -> lifting_pb2.DepthEstimationRequest:
        return lifting_pb2.DepthEstimationRequest(
            image_bytes=PHOTO, model_backend=self.model, input_size=self.size
        )

    def depth(self) -> Any:
        """The answer that the others are to equal."""
        with self._stub() as stub:
            return stub.RunDepthEstimation(self.request, timeout=120, metadata=_METADATA)

    def rest(self, right: bytes) -> str:
        return rest_outcome(post(self.rest_port, self.size), right)

    def until_refused(self, right: bytes) -> list[str]:
        """The outcomes of one after the other, the last of which was refused."""
        outcomes = ["right"]
        while outcomes[-1] == "right":
            outcomes.append(self.rest(right))
        return outcomes

    def unary(self, right: Any, deadline_s: float = 120) -> str:
        try:
            with self._stub() as stub:
                answer = stub.RunDepthEstimation(
                    self.request, timeout=deadline_s, metadata=_METADATA
                )
        except grpc.RpcError as error:
            return _named(error)
        return "right" if answer == right else "wrong"

    def stream(self, right: Any, frames: int, begun: threading.Event) -> list[str]:
        """Of each frame; ``begun`` is set when the first is there."""
        outcomes: list[str] = []
        try:
            with self._stub() as stub:
                requested = iter([self.request] * frames)
                for frame in stub.StreamDepthEstimation(requested, metadata=_METADATA):
                    refused = frame.error.problem == "overloaded"
                    is_right = frame.index == len(outcomes) and frame.result == right
                    outcomes.append("again" if refused else "right" if is_right else str(frame))
                    begun.set()
        except grpc.RpcError as error:
            outcomes.append(_named(error))
        finally:
            begun.set()
        return outcomes

    def under_way(self, pool: ThreadPoolExecutor, depth: Any, npy: bytes) -> "Future[list[str]]":
        """One of each kind, the stream of two frames; returns when they are under way."""
        begun = threading.Event()
        asked = [pool.submit(self.rest, npy), pool.submit(self.unary, depth)]
        stream = pool.submit(self.stream, depth, 2, begun)
        assert begun.wait(120)
        return pool.submit(lambda: [*(each.result() for each in asked), *stream.result()])

    def _stub(self) -> "_Stub":
        return _Stub(self.grpc_port)


_METADATA = (("x-api-key", KEY),)


class _Stub:
    def __init__(self, port: int) -> None:
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}")

    def __enter__(self) -> lifting_pb2_grpc.LiftingServiceStub:
        return lifting_pb2_grpc.LiftingServiceStub(self._channel)

    def __exit__(self, *_: object) -> None:
        self._channel.close()


def _named(error: Any) -> str:
    code: grpc.StatusCode = error.code()
    return "again" if code in RETRIABLE else code.name


def repeated(
    pool: ThreadPoolExecutor, call: Callable[[], str], times: int, stop: threading.Event
) -> "list[Future[set[str]]]":
    """Make a call over and over, so many at a time; the different outcomes of each."""

    def one() -> set[str]:
        outcomes = set()
        while not stop.is_set():
            outcomes.add(call())
        return outcomes

    return [pool.submit(one) for _ in range(times)]


def infer(port: int, size: int, timeout_s: float) -> str:
    """By the Open Inference Protocol, whose requests bring their own time."""
    client = tritonclient.http.InferenceServerClient(f"127.0.0.1:{port}")
    image = tritonclient.http.InferInput("image", [1], "BYTES")
    image.set_data_from_numpy(np.array([PHOTO], np.object_))
    body, length = client.generate_request_body(
        [image], timeout=round(timeout_s * 1e6), parameters={"input_size": size}
    )
    answer = requests.post(
        f"http://127.0.0.1:{port}/v2/models/depth_estimation/infer",
        data=body,
        headers={"Inference-Header-Content-Length": str(length)} if length else {},
        timeout=120,
    )
    problem: str = answer.json()["type"]
    return f"{answer.status_code} {problem}"


def metric(port: int, name: str) -> float:
    """Of the only replica."""
    lines = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=60).text.splitlines()
    (value,) = [line.split()[1] for line in lines if line.startswith(f"{name} ")]
    return float(value)


def replicas_now() -> list[psutil.Process]:
    named = psutil.process_iter(["cmdline"])
    return [p for p in named if "ServeReplica" in "".join(p.info["cmdline"] or ())]


def busy_s(process: psutil.Process) -> float:
    return sum(process.cpu_times()[:2])


def can_run(client: RestClient, command: DepthEstimationCommand) -> bool:
    try:
        client.run(command)
    except (ModelNotAllowedError, OverloadedError):
        return False
    return True


def running() -> int:
    """Replicas that answer requests."""
    from ray import serve

    states = serve.status().applications[HTTP_NAME].deployments[HTTP_NAME].replica_states
    return sum(count for state, count in states.items() if state == "RUNNING")
