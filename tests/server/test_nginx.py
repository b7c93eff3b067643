"""examples/deploy/nginx.conf, run by a real nginx in front of real servers."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import requests

from tests.support import photos
from tests.support.servers import Server, free_port, running
from vizion3d.client import GrpcClient, RestClient
from vizion3d.errors import Vizion3DError
from vizion3d.lifting import DepthEstimationCommand, DepthEstimationResult

pytestmark = pytest.mark.server

CONF = Path(__file__).parents[2] / "examples" / "deploy" / "nginx.conf"
# Debian puts it where only root's PATH leads.
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
MISSING = "there is no nginx: `bash tools/system_libraries.sh --tests` installs it"
MIB = 1 << 20

# What a distribution's /etc/nginx/nginx.conf has around it, as an ordinary user may run it.
AROUND = """
daemon off; master_process off; pid {folder}/pid; error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    include {folder}/vizion3d.conf;
}}
"""


@dataclass(frozen=True)
class Front:
    """The proxy's ports, its certificate, and the REST server behind it."""

    http: int
    https: int
    grpc: int
    certificate: Path
    rest: Server

    @property
    def url(self) -> str:
        return f"https://localhost:{self.https}"

    def get(self, path: str) -> requests.Response:
        return requests.get(f"{self.url}{path}", verify=str(self.certificate), timeout=10)


def write_certificate(folder: Path) -> None:
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *names, *files]
    subprocess.run(command, check=True, capture_output=True)


def replace_once(text: str, old: str, new: str) -> str:
    """The text with what the test changes; what is not there is no test."""
    assert old in text, old
    return text.replace(old, new)


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    if NGINX is None:
        pytest.skip(MISSING)
    folder = tmp_path_factory.mktemp("nginx")
    write_certificate(folder)
    model = ("--depth_model", "nano")
    with (
        running("rest", folder / "rest.log", *model) as rest,
        running("grpc", folder / "grpc.log", *model) as grpc,
    ):
        proxy = Front(free_port(), free_port(), free_port(), folder / "cert.pem", rest)
        conf = CONF.read_text()
        for old, new in (
            ("listen 80;", f"listen 127.0.0.1:{proxy.http};"),
            ("listen 443 ", f"listen 127.0.0.1:{proxy.https} "),
            ("listen 50443 ", f"listen 127.0.0.1:{proxy.grpc} "),
            ("127.0.0.1:8000", rest.address),
            ("127.0.0.1:50051", grpc.address),
            ("/etc/ssl/vizion3d", str(folder)),
        ):
            conf = replace_once(conf, old, new)
        (folder / "vizion3d.conf").write_text(conf)
        (folder / "nginx.conf").write_text(AROUND.format(folder=folder))
        with (folder / "nginx.log").open("wb") as log:
            nginx = subprocess.Popen(
                [NGINX, "-p", str(folder), "-e", "stderr", "-c", str(folder / "nginx.conf")],
                stderr=log,
            )
        try:
            rest.until(lambda: nginx.poll() is not None or is_up(proxy))
            assert nginx.poll() is None, (folder / "nginx.log").read_text()
            yield proxy
        finally:
            nginx.kill()
            nginx.wait()


@pytest.fixture(autouse=True)
def no_other_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    """requests takes these in place of a session's own."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


def is_up(proxy: Front) -> bool:
    try:
        return proxy.get("/ready").ok
    except requests.ConnectionError:
        return False


def test_a_photo_goes_through_both_proxies_to_the_same_depth(front: Front) -> None:
    command = DepthEstimationCommand(photos.coffee(), input_size=56)
    with RestClient(front.url, verify=str(front.certificate)) as rest:
        by_rest = rest.run(command)
    roots = front.certificate.read_bytes()
    with GrpcClient(f"localhost:{front.grpc}", tls_roots=roots) as grpc:
        by_grpc = grpc.run(command)
        (streamed,) = grpc.run_stream([command])
    np.testing.assert_array_equal(by_rest.raw_depth, by_grpc.raw_depth)
    assert isinstance(streamed, DepthEstimationResult)
    np.testing.assert_array_equal(streamed.raw_depth, by_grpc.raw_depth)


def test_the_id_of_a_request_is_in_the_answer_and_in_the_server_s_log(front: Front) -> None:
    identity = front.get("/models").headers["X-Request-ID"]
    assert re.fullmatch(r"[0-9a-f]{32}", identity)  # nginx's form of one
    front.rest.until(lambda: identity in front.rest.log.read_text())


def test_a_body_of_20_mib_reaches_the_server_and_one_of_33_does_not(front: Front) -> None:
    for size, status in ((20 * MIB, 400), (33 * MIB, 413)):
        answer = requests.post(
            f"{front.url}/lifting/depth-estimation",
            files={"image": bytes(size)},
            verify=str(front.certificate),
            timeout=30,
        )
        # The server says that zeros are no image; nginx says that it is too much.
        assert answer.status_code == status
        assert (answer.headers["Content-Type"] == "application/problem+json") == (status == 400)


def test_plain_http_is_sent_to_https(front: Front) -> None:
    answer = requests.get(f"http://localhost:{front.http}/docs", allow_redirects=False, timeout=10)
    assert (answer.status_code, answer.headers["Location"]) == (301, "https://localhost/docs")
    assert "max-age" in front.get("/health").headers["Strict-Transport-Security"]


def test_the_page_s_own_headers_come_through(front: Front) -> None:
    assert "default-src 'self'" in front.get("/").headers["Content-Security-Policy"]


def test_an_error_of_the_server_comes_through(front: Front) -> None:
    command = DepthEstimationCommand(photos.coffee(), model_backend="large")
    with (
        RestClient(front.url, verify=str(front.certificate)) as rest,
        pytest.raises(Vizion3DError, match="does not offer"),
    ):
        rest.run(command)
