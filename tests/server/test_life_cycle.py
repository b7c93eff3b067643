"""Servers from start to end: the queue's bound, deadlines, vanishing clients, SIGTERM."""

import io
import signal
import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import pytest
import requests
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.support.servers import Protocol, Server, running
from vizion3d.lifting import DepthEstimation, DepthEstimationCommand
from vizion3d.proto import lifting_pb2 as pb
from vizion3d.proto import lifting_pb2_grpc as pb_grpc

pytestmark = pytest.mark.server

COFFEE = Path("examples/coffee.jpg").read_bytes()
SLOW = 700
"""An input size that takes the network some tenths of a second."""
LARGEST = 966
"""Near the largest input size that a server takes for a photo of 3:2."""
DEPTH_ROUTE = "/lifting/depth-estimation"
IN_FLIGHT = "vizion3d_requests_in_flight"
INFERENCES = 'vizion3d_stage_seconds_count{stage="inference"}'
LOADING_LOG = "rest.log"


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as pool:
        yield pool


def post(server: Server, input_size: int = SLOW) -> requests.Response:
    return requests.post(
        server.depth_url,
        files={"image": COFFEE},
        data={"input_size": input_size},
        headers={"Accept": "application/x-npy"},
        timeout=120,
    )


def outcome(status: int) -> str:
    return f'vizion3d_requests_total{{outcome="{status}",route="{DEPTH_ROUTE}"}}'


def test_exactly_the_surplus_is_refused_at_once_and_counted(
    tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    with running("rest", tmp_path / "log", "--depth_model", "nano", "--max-queue", "4") as server:
        post(server, 14)
        answers = list(pool.map(lambda _: post(server), range(12)))
        assert Counter(a.status_code for a in answers) == {200: 5, 503: 7}
        refused = [a for a in answers if a.status_code == 503]
        served = [a for a in answers if a.status_code == 200]
        # At once: every refusal was told before the first of the served was done.
        assert max(a.elapsed for a in refused) < min(a.elapsed for a in served)
        for answer in refused:
            assert int(answer.headers["Retry-After"]) >= 1
            assert answer.json()["type"] == "urn:vizion3d:overloaded"
            assert answer.json()["request_id"] == answer.headers["X-Request-ID"]
        assert server.metric(outcome(503)) == 7
        assert server.metric(outcome(200)) == 6
        assert server.metric(IN_FLIGHT) == 0
        assert server.metric(INFERENCES) == 6
        lines = [line for line in server.access_log() if line["path"] == DEPTH_ROUTE]
        assert Counter(line["status"] for line in lines) == {200: 6, 503: 7}
        told = {a.headers["X-Request-ID"] for a in answers}
        assert told <= {line["request_id"] for line in lines}


def test_the_server_answers_while_it_works(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    with running("rest", tmp_path / "log", "--depth_model", "nano") as server:
        work = [pool.submit(post, server) for _ in range(4)]
        server.until(lambda: server.metric(IN_FLIGHT) == 4)
        asked = 0
        while not all(f.done() for f in work):
            assert requests.get(f"{server.url}/health", timeout=2).ok
            asked += 1
        assert asked > 10
        assert {f.result().status_code for f in work} == {200}


def test_equal_images_that_wait_go_through_the_network_together(
    tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    arguments = ("--depth_model", "nano", "--max-batch-size", "4", "--max-batch-delay-ms", "500")
    with running("rest", tmp_path / "log", *arguments) as server:
        answers = list(pool.map(lambda _: post(server, 140), range(9)))
        depths = [np.load(io.BytesIO(a.content)) for a in answers]
        command = DepthEstimationCommand(COFFEE, model_backend="nano", input_size=140)
        expected = DepthEstimation().run(command).raw_depth
        for depth in depths:
            np.testing.assert_allclose(depth, expected, atol=0.02 * float(np.ptp(expected)))
        assert server.metric("vizion3d_batch_images_sum") == 9
        assert server.metric("vizion3d_batch_images_count") < 9


def test_out_of_time_is_told_and_costs_no_inference(
    tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    arguments = ("--depth_model", "nano", "--request-timeout-s", "0.2")
    with running("rest", tmp_path / "log", *arguments) as server:
        answers = list(pool.map(lambda _: post(server, LARGEST), range(4)))
        assert {a.status_code for a in answers} == {504}
        assert "within 0.2 s" in answers[0].json()["detail"]
        server.until(lambda: server.metric(INFERENCES) > 0)
        time.sleep(0.5)
        assert server.metric(INFERENCES) < 4


def test_a_client_that_has_gone_away_costs_no_inference(
    tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    with running("rest", tmp_path / "log", "--depth_model", "nano") as server:
        ahead = [pool.submit(post, server, LARGEST) for _ in range(5)]  # seconds of work
        server.until(lambda: server.metric(IN_FLIGHT) + server.metric(outcome(200)) == 5)
        request = requests.Request(
            "POST", server.depth_url, files={"image": COFFEE}, data={"input_size": SLOW}
        ).prepare()
        assert isinstance(request.body, bytes)
        head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(f"POST {DEPTH_ROUTE} HTTP/1.1\r\nHost: x\r\n{head}\r\n".encode())
            client.sendall(request.body)
            server.until(lambda: server.metric(IN_FLIGHT) + server.metric(outcome(200)) == 6)
        assert {future.result(60).status_code for future in ahead} == {200}
        server.until(lambda: server.metric(IN_FLIGHT) == 0)
        assert post(server, 14).status_code == 200
        assert server.metric(INFERENCES) == 6
        (line,) = [x for x in server.access_log() if x.get("status") == 0]
        assert line["path"] == DEPTH_ROUTE


def test_a_grpc_deadline_or_cancel_frees_the_slot(tmp_path: Path) -> None:
    arguments = ("--depth_model", "nano", "--max-queue", "1")
    with running("grpc", tmp_path / "log", *arguments) as server, server.channel() as channel:
        stub = pb_grpc.LiftingServiceStub(channel)
        slow = pb.DepthEstimationRequest(image_bytes=COFFEE, packed_depth=True, input_size=SLOW)
        stub.RunDepthEstimation(slow, timeout=60)
        for give_up in ("cancel", "deadline"):
            running_call = stub.RunDepthEstimation.future(slow, timeout=60)
            waiting = stub.RunDepthEstimation.future(slow, timeout=0.1)
            if give_up == "cancel":
                waiting.cancel()
            else:
                assert waiting.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            time.sleep(0.1)
            third = stub.RunDepthEstimation.future(slow, timeout=60)
            assert running_call.result().min_depth == third.result().min_depth


def test_a_full_grpc_server_says_so(tmp_path: Path) -> None:
    arguments = ("--depth_model", "nano", "--max-queue", "0")
    with running("grpc", tmp_path / "log", *arguments) as server, server.channel() as channel:
        stub = pb_grpc.LiftingServiceStub(channel)
        slow = pb.DepthEstimationRequest(image_bytes=COFFEE, packed_depth=True, input_size=SLOW)
        calls = [stub.RunDepthEstimation.future(slow, timeout=60) for _ in range(4)]
        codes = Counter(call.code() for call in calls)
        assert codes == {grpc.StatusCode.OK: 1, grpc.StatusCode.RESOURCE_EXHAUSTED: 3}


def test_told_to_stop_it_finishes_what_is_under_way(
    tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    with running("rest", tmp_path / "log", "--depth_model", "nano") as server:
        expected = np.load(io.BytesIO(post(server).content))
        with requests.Session() as session:
            work = [pool.submit(post, server) for _ in range(4)]
            server.until(lambda: server.metric(IN_FLIGHT) == 4)
            server.signal(signal.SIGTERM)
            server.until(lambda: session.get(f"{server.url}/ready").status_code == 503)
            assert session.get(f"{server.url}/ready").json() == {"status": "draining"}
            assert session.get(f"{server.url}/health").ok
            newcomer = post(server)
            assert newcomer.status_code == 503
            assert "stopping" in newcomer.json()["detail"]
        for future in work:
            answer = future.result()
            assert answer.status_code == 200
            assert np.array_equal(np.load(io.BytesIO(answer.content)), expected)
        assert server.wait() == 0
        with pytest.raises(requests.ConnectionError):
            post(server)


def test_a_grpc_server_told_to_stop_finishes_what_is_under_way(tmp_path: Path) -> None:
    with running("grpc", tmp_path / "log", "--depth_model", "nano") as server:
        with server.channel() as channel:
            stub = pb_grpc.LiftingServiceStub(channel)
            slow = pb.DepthEstimationRequest(image_bytes=COFFEE, packed_depth=True, input_size=SLOW)
            health = health_pb2_grpc.HealthStub(channel)
            serving = health.Check(health_pb2.HealthCheckRequest())
            assert serving.status == health_pb2.HealthCheckResponse.SERVING
            expected = stub.RunDepthEstimation(slow, timeout=60).packed_depth.data
            calls = [stub.RunDepthEstimation.future(slow, timeout=60) for _ in range(4)]
            server.until(lambda: len(server.access_log()) >= 2)  # the first of them is done
            server.signal(signal.SIGTERM)
            server.until(lambda: "stopping" in server.log.read_text())
            time.sleep(0.1)
            with pytest.raises(grpc.RpcError) as refused:
                stub.RunDepthEstimation(slow, timeout=60)
            assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
            assert [call.result().packed_depth.data == expected for call in calls] == [True] * 4
        assert server.wait() == 0


def test_it_is_not_ready_while_it_loads_and_can_be_stopped_then(tmp_path: Path, vits: Path) -> None:
    cache = {"VIZION3D_MODEL_CACHE": str(tmp_path / "cache")}  # so that it converts: seconds
    server = Server("rest", tmp_path / "log", "--depth_model", str(vits), **cache)
    try:

        def is_alive() -> bool:
            try:
                return requests.get(f"{server.url}/health", timeout=10).ok
            except requests.ConnectionError:
                return False

        server.until(is_alive)
        loading = requests.get(f"{server.url}/ready", timeout=10)
        assert (loading.status_code, loading.json()) == (503, {"status": "loading"})
        server.signal(signal.SIGTERM)
        assert server.wait(20) == 0
    finally:
        server.end()


def test_the_grpc_port_opens_only_when_it_can_answer(tmp_path: Path, vits: Path) -> None:
    cache = {"VIZION3D_MODEL_CACHE": str(tmp_path / "cache")}
    server = Server("grpc", tmp_path / "log", "--depth_model", str(vits), **cache)
    try:
        server.until(lambda: (tmp_path / "cache").is_dir())  # it converts
        assert not server.is_ready()
        server.signal(signal.SIGTERM)
        assert server.wait(20) == 0
    finally:
        server.end()


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        # Found while it loads, and before; the other flags are in tests/unit/server/test_options.
        (("--depth_model", "/no/such.pth"), "no checkpoint file at /no/such.pth"),
        (("--api-key-file", "/no/keys"), "API key file"),
    ],
)
def test_what_is_wrong_with_the_flags_ends_it_with_a_message(
    tmp_path: Path, protocol: Protocol, arguments: tuple[str, ...], message: str
) -> None:
    server = Server(protocol, tmp_path / "log", *arguments)
    try:
        assert server.wait() == 1
        assert message in server.log.read_text()
        assert "Traceback" not in server.log.read_text()
    finally:
        server.end()


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_a_port_that_is_taken_is_told(tmp_path: Path, protocol: Protocol) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        server = Server(protocol, tmp_path / "log", "--depth_model", "nano", "--port", port)
        try:
            assert server.wait() == 1
            assert "Traceback" not in server.log.read_text()
            assert f"cannot listen on 127.0.0.1:{port}" in server.log.read_text()
        finally:
            server.end()


def test_several_processes_serve_one_port(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    with running("rest", tmp_path / "log", "--depth_model", "nano", "--workers", "2") as server:
        answers = list(pool.map(lambda _: post(server, 140), range(8)))
        assert {a.status_code for a in answers} == {200}
        assert len({a.content for a in answers}) == 1
        server.until(lambda: server.metric(outcome(200)) == 8)
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
