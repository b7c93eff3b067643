"""Keys, TLS, CORS and the address that is listened on, on real servers."""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import grpc
import psutil
import pytest
import requests
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.support.hostile import encoded
from tests.support.servers import Protocol, Server, running
from vizion3d.proto import lifting_pb2 as pb
from vizion3d.proto import lifting_pb2_grpc as pb_grpc

pytestmark = pytest.mark.server

NANO = ("--depth_model", "nano")
REQUEST = pb.DepthEstimationRequest(image_bytes=encoded(), input_size=14)
FORM = {"input_size": "14", "depth_map": "false"}
Code = grpc.StatusCode


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("security")


@pytest.fixture(scope="module")
def keys(folder: Path) -> tuple[str, str]:
    (folder / "keys").write_text("# whose\nfirst-key\n\nsecond-key\n")
    return ("--api-key-file", str(folder / "keys"))


@pytest.fixture(scope="module")
def rest(folder: Path, keys: tuple[str, str]) -> Iterator[Server]:
    origin = ("--cors-origin", "https://app.example")
    with running("rest", folder / "rest.log", *NANO, *keys, *origin) as server:
        yield server


@pytest.fixture(scope="module")
def grpc_server(folder: Path, keys: tuple[str, str]) -> Iterator[Server]:
    with running("grpc", folder / "grpc.log", *NANO, *keys) as server:
        yield server


def post(rest: Server, **headers: str) -> requests.Response:
    return requests.post(
        rest.depth_url, files={"image": encoded()}, data=FORM, headers=headers, timeout=60
    )


WRONG = ["", "wrong", "first-ke", "first-keyy", "first-key,second-key", "# whose", "FIRST-KEY"]


@pytest.mark.parametrize("key", [None, *WRONG])
def test_rest_refuses_a_missing_or_wrong_key(rest: Server, key: str | None) -> None:
    headers = {} if key is None else {"X-API-Key": key}
    paths = ("/models", "/metrics", "/nothing")
    asked = (requests.get(rest.url + path, headers=headers, timeout=10) for path in paths)
    for answer in (post(rest, **headers), *asked):
        assert answer.status_code == 401
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["type"] == "urn:vizion3d:unauthorized"
        assert "key" not in answer.json()["detail"].replace("API key", "").replace("-Key", "")


@pytest.mark.parametrize("key", ["first-key", "second-key"])
def test_rest_lets_every_key_of_the_file_in(rest: Server, key: str) -> None:
    assert post(rest, **{"X-API-Key": key}).status_code == 200
    models = requests.get(f"{rest.url}/models", headers={"x-api-key": key}, timeout=10)
    assert models.json()[0]["name"] == "nano"


def test_health_and_readiness_need_no_key(rest: Server) -> None:
    for path in ("/health", "/ready"):
        assert requests.get(rest.url + path, timeout=10).status_code == 200


def test_a_body_without_a_key_is_not_read(rest: Server) -> None:
    with socket.create_connection(("127.0.0.1", rest.port), timeout=20) as connection:
        lines = ("POST /lifting/depth-estimation HTTP/1.1", "Host: x", "Content-Length: 1000000")
        connection.sendall("\r\n".join((*lines, "", "")).encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 401 Unauthorized")


def code_of(stub: pb_grpc.LiftingServiceStub, *metadata: tuple[str, str]) -> grpc.StatusCode:
    """What each of the RPCs answers: the same."""
    calls = (
        lambda: stub.RunDepthEstimation(REQUEST, metadata=metadata, timeout=60),
        lambda: list(stub.StreamDepthEstimation(iter([REQUEST]), metadata=metadata, timeout=60)),
        lambda: stub.ListModels(pb.ListModelsRequest(), metadata=metadata, timeout=60),
    )
    codes = set()
    for call in calls:
        try:
            call()
        except grpc.RpcError as error:
            codes.add(error.code())
        else:
            codes.add(Code.OK)
    (code,) = codes
    return code


def test_grpc_lets_only_keys_of_the_file_in(grpc_server: Server) -> None:
    with grpc_server.channel() as channel:
        stub = pb_grpc.LiftingServiceStub(channel)
        assert code_of(stub) is Code.UNAUTHENTICATED
        for key in WRONG:
            assert code_of(stub, ("x-api-key", key)) is Code.UNAUTHENTICATED
        for key in ("first-key", "second-key"):
            assert code_of(stub, ("x-api-key", key)) is Code.OK
    codes = [(line["rpc"], line["code"]) for line in grpc_server.access_log()]
    for rpc in ("RunDepthEstimation", "StreamDepthEstimation", "ListModels"):
        assert codes.count((rpc, "UNAUTHENTICATED")) == 1 + len(WRONG)


def test_grpc_health_needs_no_key_and_nothing_else_goes_without(grpc_server: Server) -> None:
    with grpc_server.channel() as channel:
        health = health_pb2_grpc.HealthStub(channel)
        answer = health.Check(health_pb2.HealthCheckRequest(), timeout=10)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        reflection = channel.stream_stream(
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
            request_serializer=bytes,
            response_deserializer=bytes,
        )
        with pytest.raises(grpc.RpcError) as caught:
            list(reflection(iter([b""]), timeout=10))
        assert caught.value.code() is Code.UNAUTHENTICATED


def test_only_configured_origins_are_let_in(rest: Server) -> None:
    url, asked = rest.depth_url, {"Access-Control-Request-Method": "POST"}
    good = {"Origin": "https://app.example"}
    preflight = requests.options(url, headers={**good, **asked}, timeout=10)
    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == "https://app.example"
    answer = post(rest, **good, **{"X-API-Key": "first-key"})
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    for origin in ("https://evil.example", "https://app.example.evil.example", "null"):
        refused = requests.options(url, headers={"Origin": origin, **asked}, timeout=10)
        assert "Access-Control-Allow-Origin" not in refused.headers
        answer = post(rest, Origin=origin, **{"X-API-Key": "first-key"})
        assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_it_listens_on_loopback_only(protocol: Protocol, request: pytest.FixtureRequest) -> None:
    fixture = {"rest": "rest", "grpc": "grpc_server"}[protocol]
    server: Server = request.getfixturevalue(fixture)
    connections = psutil.Process(server.process.pid).net_connections("tcp")
    listening = {
        entry.laddr.ip.removeprefix("::ffff:")  # an IPv4 address, as gRPC writes it
        for entry in connections
        if entry.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}


@pytest.fixture(scope="module")
def certificate(folder: Path) -> tuple[Path, Path]:
    """Self-signed, for 127.0.0.1, and its key."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    command = (
        *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
        *("-keyout", str(key), "-out", str(cert), "-subj", "/CN=127.0.0.1"),
        *("-addext", "subjectAltName=IP:127.0.0.1"),
    )
    subprocess.run(command, check=True, capture_output=True)
    return cert, key


def tls_server(protocol: Protocol, folder: Path, certificate: tuple[Path, Path]) -> Server:
    cert, key = map(str, certificate)
    log = folder / f"tls-{protocol}.log"
    return Server(protocol, log, *NANO, "--tls-cert", cert, "--tls-key", key)


def test_rest_over_tls(folder: Path, certificate: tuple[Path, Path]) -> None:
    server = tls_server("rest", folder, certificate)
    url = server.url.replace("http:", "https:")

    def is_ready() -> bool:
        try:
            ready = requests.get(f"{url}/ready", verify=str(certificate[0]), timeout=10)
        except requests.ConnectionError:
            return False
        return ready.status_code == 200

    try:
        server.until(is_ready)
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{server.url}/health", timeout=10)
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(f"{url}/health", timeout=10)  # nobody vouches for the certificate
        answer = requests.post(
            f"{url}/lifting/depth-estimation",
            files={"image": encoded()},
            data=FORM,
            verify=str(certificate[0]),
            timeout=60,
        )
        assert answer.status_code == 200
        assert "Traceback" not in server.log.read_text()
    finally:
        server.end()


def test_grpc_over_tls(folder: Path, certificate: tuple[Path, Path]) -> None:
    server = tls_server("grpc", folder, certificate)
    credentials = grpc.ssl_channel_credentials(certificate[0].read_bytes())
    try:
        server.until(server.is_ready)
        with server.channel() as plain:
            assert code_of(pb_grpc.LiftingServiceStub(plain)) is Code.UNAVAILABLE
        with grpc.secure_channel(server.address, credentials) as channel:
            assert code_of(pb_grpc.LiftingServiceStub(channel)) is Code.OK
    finally:
        server.end()
