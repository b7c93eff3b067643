"""What a real REST server answers to those who mean no good, and that it goes on afterwards."""

import gzip
import http.client
import io
import select
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import requests

import vizion3d
from tests.support.hostile import BAD_IMAGES, BAD_MODELS, NOT_OFFERED, encoded, every_mode
from tests.support.servers import Server, running

pytestmark = pytest.mark.server

GOOD = encoded()
PATH = "/lifting/depth-estimation"
SMALL = {"input_size": "14"}
MIB = 1 << 20


@pytest.fixture(scope="module")
def rest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("hostile") / "log"
    with running("rest", log, "--depth_model", "nano", "--receive-timeout-s", "2") as server:
        yield server
    assert "Traceback" not in log.read_text()


def send(
    rest: Server, image: bytes = GOOD, headers: dict[str, str] | None = None, **form: str | bytes
) -> requests.Response:
    data = {**SMALL, "depth_map": "false", **form}
    return requests.post(
        rest.depth_url, files={"image": image}, data=data, headers=headers, timeout=60
    )


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def depth(rest: Server) -> bytes:
    answer = send(rest, headers={"Accept": "application/x-npy"})
    assert answer.status_code == 200, answer.text
    return answer.content


@pytest.fixture(scope="module")
def expected(rest: Server) -> bytes:
    return depth(rest)


@pytest.fixture(autouse=True)
def the_next_good_request_succeeds(rest: Server, expected: bytes) -> Iterator[None]:
    yield
    assert depth(rest) == expected


def assert_told(answer: requests.Response, *statuses: int) -> str:
    """A problem of ours that tells nothing of the server's inside; its detail."""
    assert answer.status_code in statuses, (answer.status_code, answer.text)
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert set(problem) == {"type", "title", "status", "detail", "request_id"}
    assert problem["type"].startswith("urn:vizion3d:")
    assert problem["status"] == answer.status_code
    assert problem["request_id"] == answer.headers["X-Request-ID"]
    for inside in ("Traceback", "site-packages", " at 0x", str(Path(vizion3d.__file__).parent)):
        assert inside not in answer.text
    assert len(answer.text) < 2000
    return str(problem["detail"])


class Connection:
    """A socket on which anything can be said."""

    def __init__(self, rest: Server) -> None:
        self.socket = socket.create_connection(("127.0.0.1", rest.port), timeout=60)

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, content: bytes) -> None:
        self.socket.sendall(content)

    def has_answer(self) -> bool:
        return bool(select.select([self.socket], [], [], 0)[0])

    def drip(self, content: bytes) -> None:
        """A byte every now and then, until the server has had enough."""
        end = time.monotonic() + 60
        while not self.has_answer():
            assert time.monotonic() < end, "the server listens for ever"
            self.send(content[:1])
            content = content[1:] or content
            time.sleep(0.05)

    def answer(self) -> requests.Response:
        received = http.client.HTTPResponse(self.socket)
        received.begin()
        answer = requests.Response()
        answer.status_code = received.status
        answer.headers.update(dict(received.getheaders()))
        answer._content = received.read()
        return answer

    def is_closed(self) -> bool:
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True


def multipart(image: bytes = GOOD, boundary: str = "b") -> bytes:
    return (
        (
            f'--{boundary}\r\nContent-Disposition: form-data; name="input_size"\r\n\r\n14\r\n'
            f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="i"\r\n\r\n'
        ).encode()
        + image
        + f"\r\n--{boundary}--\r\n".encode()
    )


def head(*lines: str, method: str = "POST", path: str = PATH) -> bytes:
    lines = ("Host: x", *lines)
    return "\r\n".join((f"{method} {path} HTTP/1.1", *lines, "", "")).encode("latin-1")


FORM = "Content-Type: multipart/form-data; boundary=b"


@pytest.mark.parametrize("image", BAD_IMAGES.values(), ids=BAD_IMAGES)
def test_what_is_no_image_is_refused(rest: Server, image: bytes) -> None:
    assert assert_told(send(rest, image), 400)


@pytest.mark.parametrize("file_format", NOT_OFFERED)
def test_a_format_that_is_not_offered_is_refused(rest: Server, file_format: str) -> None:
    told = assert_told(send(rest, encoded(file_format)), 400)
    assert "is not an image of one of JPEG, PNG, WEBP, TIFF, BMP, GIF" in told


@pytest.mark.parametrize(("file_format", "mode"), every_mode())
def test_every_mode_gets_its_depth(rest: Server, file_format: str, mode: str) -> None:
    answer = send(rest, encoded(file_format, mode=mode))
    assert answer.status_code == 200, answer.text
    assert answer.json()["intrinsics"]["width_px"] == 32


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (7, 2000)])
def test_extreme_shapes_get_their_depth(rest: Server, size: tuple[int, int]) -> None:
    answer = send(rest, encoded(size=size), {"Accept": "application/x-npy"})
    assert answer.status_code == 200, answer.text
    assert len(answer.content) == 128 + 4 * size[0] * size[1]


@pytest.mark.parametrize(
    "value", ["nan", "inf", "-inf", "0", "-1", "1e400", "1e-320", "x", "9" * 400]
)
@pytest.mark.parametrize(
    "field", ["fx", "depth_scale", "depth_trunc", "depth_near", "edge_threshold"]
)
def test_numbers_out_of_range_are_refused(rest: Server, field: str, value: str) -> None:
    told = assert_told(send(rest, **cast(Any, {field: value})), 422)
    assert told.startswith(f"{field}: ")


@pytest.mark.parametrize(
    "form",
    [
        {"cx": "nan"},
        {"cy": "-1e300"},
        {"depth_near": "20"},
        {"depth_near": "3", "depth_trunc": "2"},
        {"frame": "../etc"},
        {"frame": "opencv\0"},
        {"return_point_cloud": "maybe"},
        {"input_size": "0"},
        {"input_size": "-14"},
        {"input_size": "14.5"},
        {"input_size": "1" * 5000},
        {"input_size": "5000"},
        {"points": "nan,0,1"},
        {"points": "0,0,-1"},
        {"points": "0,0,1e30"},
        {"points": "99,0,1"},
        {"points": "0,0"},
        {"points": "[[0,0,1],[0,0]]"},
        {"points": "[" * 5000},
        {"points": "[[0,0,1]]" + "]" * 50},
        {"points": '[{"u":0}]'},
        {"points": "0,0,1;1,1,9;0,0,5;1,1,0.1;0,0,30;1,1,100"},
        {"distances": "0,0,1,1,inf"},
        {"planes": "1,1,1,1,1"},
        {"camera_height_m": "-1"},
        {"camera_height_m": "nan"},
        {"camera_pitch_deg": "3"},
        {"camera_height_m": "1", "camera_pitch_deg": "95"},
    ],
)
def test_senseless_fields_are_refused(rest: Server, form: dict[str, str]) -> None:
    assert assert_told(send(rest, **cast(Any, form)), 422)


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"junk", 400),
        (GOOD, 400),
        (encoded("PNG"), 400),
        (b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (1, 1)}", 400),
        (npy(np.full((24, 32), -1.0)), 422),
        (npy(np.full((24, 32), np.nan)), 422),
        (npy(np.ones((5, 5))), 422),
        (npy(np.ones((500, 500))), 400),
    ],
)
def test_a_depth_image_that_is_none_is_refused(rest: Server, content: bytes, status: int) -> None:
    answer = requests.post(
        rest.depth_url,
        files=[("image", ("photo", GOOD)), ("sparse_depth", ("depth", content))],
        data={**SMALL, "depth_map": "false"},
        timeout=60,
    )
    assert assert_told(answer, status)


def test_a_million_points_are_refused_or_answered(rest: Server) -> None:
    rows = ";".join(["0,0,1", "31,23,2"] * 500_000)
    answer = send(rest, points=rows)
    assert answer.status_code in (200, 400, 413, 422)


def test_numbers_at_the_edge_of_the_range_give_finite_points(rest: Server) -> None:
    form = {"fx": "1.1e-6", "cx": "-1e9", "depth_near": "1.1e-6", "depth_trunc": "1e9"}
    answer = send(rest, GOOD, {"Accept": "model/ply"}, **form)
    assert answer.status_code == 200, answer.text
    header, _, body = answer.content.partition(b"end_header\n")
    assert header.startswith(b"ply")
    points = np.frombuffer(body, np.dtype([("xyz", "<f4", 3), ("rgb", "u1", 3)]))["xyz"]
    assert len(points)
    assert np.isfinite(points).all()


@pytest.mark.parametrize("name", BAD_MODELS)
def test_a_model_that_is_not_offered_is_refused(rest: Server, name: str) -> None:
    assert "does not offer" in assert_told(send(rest, model_backend=name.encode()), 403)


@pytest.mark.parametrize("scheme", ["http", "https", "ftp"])
def test_a_url_for_a_model_opens_no_connection(rest: Server, scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        url = f"{scheme}://127.0.0.1:{listening.getsockname()[1]}/model.pth"
        assert_told(send(rest, model_backend=url), 403)
        with pytest.raises(BlockingIOError):
            listening.accept()


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "http://127.0.0.1:1/scene.png", "examples/coffee.jpg"]
)
def test_an_image_that_is_a_path_is_never_opened(rest: Server, name: str) -> None:
    assert_told(send(rest, name.encode()), 400)
    text = requests.post(rest.depth_url, data={"image": name}, timeout=60)
    assert_told(text, 415)
    field = requests.post(rest.depth_url, files={"image": (None, name)}, timeout=60)
    assert "a file's content, not text" in assert_told(field, 422)


@pytest.mark.parametrize(
    ("begin", "filler", "status"),
    [
        (multipart().partition(GOOD)[0], b"\r", 413),
        (multipart().partition(GOOD)[0], b"\0", 413),
        (b"\r\n", b"\r\n", 413),
        (b"x", b"x", 400),
    ],
    ids=["near ends of a part", "one part", "preamble", "no form"],
)
def test_a_gigabyte_in_chunks_is_not_kept(
    rest: Server, begin: bytes, filler: bytes, status: int
) -> None:
    before, most = rest.memory_bytes(), 0
    with Connection(rest) as connection:
        connection.send(head(FORM, "Transfer-Encoding: chunked"))
        connection.send(f"{len(begin):x}\r\n".encode() + begin + b"\r\n")
        for _ in range(1024):
            if connection.has_answer():
                break
            connection.send(b"100000\r\n" + filler * (MIB // len(filler)) + b"\r\n")
            most = max(most, rest.memory_bytes())
        else:
            pytest.fail("the server took the whole gigabyte")
        assert_told(connection.answer(), status)
    assert most - before < 300 * MIB


@pytest.mark.parametrize("length", [32 * MIB + 1, 10**15, 10**19])
def test_a_length_that_is_too_large_is_refused_before_the_body(rest: Server, length: int) -> None:
    with Connection(rest) as connection:
        connection.send(head(FORM, f"Content-Length: {length}"))
        assert "larger than 33,554,432 bytes" in assert_told(connection.answer(), 413)
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.is_closed()


def test_expect_100_continue_is_refused_without_the_body(rest: Server) -> None:
    with Connection(rest) as connection:
        connection.send(head(FORM, "Content-Length: 99999999", "Expect: 100-continue"))
        assert_told(connection.answer(), 413)


def test_an_understated_length_cuts_the_form(rest: Server) -> None:
    body = multipart()
    with Connection(rest) as connection:
        connection.send(head(FORM, f"Content-Length: {len(body) // 2}") + body)
        assert_told(connection.answer(), 400, 422)


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: -1",),
        ("Content-Length: 1e3",),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: 5", "Transfer-Encoding: gzip, chunked"),
        ("Transfer-Encoding: nonsense",),
        ("X-Long: " + "x" * 200_000,),
        ("no colon",),
        ("Bad Name: x",),
    ],
)
def test_headers_that_are_not_http_are_refused(rest: Server, lines: tuple[str, ...]) -> None:
    with Connection(rest) as connection:
        connection.send(head(FORM, *lines))
        assert_told(connection.answer(), 400, 415, 501)


@pytest.mark.parametrize(
    "content",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"EHLO x\r\n\r\n",
        b"\0" * 200,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_another_protocol_is_refused(rest: Server, content: bytes) -> None:
    with Connection(rest) as connection:
        connection.send(content)
        connection.socket.shutdown(socket.SHUT_WR)
        received = b""
        while piece := connection.socket.recv(MIB):
            received += piece
        if received:
            assert received.startswith(b"HTTP/1.1 4")
            assert b"application/problem+json" in received


def test_chunks_that_are_not_chunks_are_refused(rest: Server) -> None:
    with Connection(rest) as connection:
        connection.send(head(FORM, "Transfer-Encoding: chunked") + b"zz\r\nnonsense\r\n")
        assert_told(connection.answer(), 400)
        assert connection.is_closed()


def test_rubbish_after_an_answer_ends_the_connection_only(rest: Server) -> None:
    with Connection(rest) as connection:
        chunked = head("Transfer-Encoding: chunked", method="GET", path="/health")
        connection.send(chunked)
        assert connection.answer().status_code == 200
        connection.send(b"zz\r\n\r\n")
        assert connection.is_closed()


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "gzip, gzip", "x" * 3000])
def test_a_compressed_body_is_refused_unread(rest: Server, coding: str) -> None:
    bomb = gzip.compress(bytes(8 * MIB))
    headers = {"Content-Encoding": coding, "Content-Type": "multipart/form-data; boundary=b"}
    assert_told(requests.post(rest.depth_url, data=bomb, headers=headers, timeout=60), 415)


def test_slow_headers_are_not_waited_for(rest: Server) -> None:
    with Connection(rest) as connection:
        connection.drip(head("X: " + "x" * 5000))
        assert connection.is_closed()


def test_slow_headers_of_a_second_request_are_not_waited_for(rest: Server) -> None:
    with Connection(rest) as connection:
        connection.send(head(method="GET", path="/health"))
        assert connection.answer().status_code == 200
        connection.drip(head("X: " + "x" * 5000))
        assert connection.is_closed()


def test_a_slow_body_is_not_waited_for(rest: Server) -> None:
    with Connection(rest) as connection:
        connection.send(head(FORM, "Content-Length: 100000"))
        connection.drip(multipart())
        assert "did not arrive within 2 s" in assert_told(connection.answer(), 408)
        assert connection.is_closed()


def test_an_overstated_length_is_not_waited_for(rest: Server) -> None:
    body = multipart()
    with Connection(rest) as connection:
        connection.send(head(FORM, f"Content-Length: {len(body) + 1}") + body)
        assert_told(connection.answer(), 408)


def test_a_slow_body_behind_a_refusal_is_not_waited_for(rest: Server) -> None:
    with Connection(rest) as connection:
        connection.send(head("Content-Type: text/plain", "Content-Length: 100000"))
        assert_told(connection.answer(), 415)
        connection.drip(b"x")
        assert connection.is_closed()


def form_of(*parts: bytes) -> bytes:
    return b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + b"--b--\r\n"


NAMED = b'Content-Disposition: form-data; name="%s"\r\n\r\n%s'


@pytest.mark.parametrize(
    "body",
    [
        form_of(*(NAMED % (b"f%d" % n, b"1") for n in range(5000))),
        form_of(
            *(
                b'Content-Disposition: form-data; name="f%d"; filename="f"\r\n\r\n1' % n
                for n in range(5000)
            )
        ),
        form_of(NAMED % (b"fx", b"1" * (2 * MIB))),
        form_of(b"X: " + b"x" * MIB + b"\r\n\r\n1"),
        form_of(b"X: y\r\n" * 20_000 + b"\r\n1"),
        form_of(b"Content-Disposition: form-data\r\n\r\n1"),
        form_of(b"\r\n1"),
        b"",
        b"--",
        b"--b--\r\n",
        b"--b\r\n\r\n",
        b"\r\n" * MIB,
        multipart(boundary="other"),
        multipart()[:-20],
        form_of(NAMED % (b"image", GOOD)),
    ],
    ids=[
        "fields",
        "files",
        "long field",
        "long header",
        "headers",
        "no name",
        "no headers",
        "empty",
        "dashes",
        "no parts",
        "part of nothing",
        "preamble",
        "other boundary",
        "no end",
        "image as text",
    ],
)
def test_forms_that_are_none_are_refused(rest: Server, body: bytes) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = requests.post(rest.depth_url, data=body, headers=headers, timeout=60)
    assert_told(answer, 400, 422)


@pytest.mark.parametrize(
    "media_type",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=" + "x" * 5000,
        "multipart/form-dataX",
        "multipart/mixed; boundary=b",
        "application/json",
        "text/plain",
        "application/x-www-form-urlencoded",
        "\xff",
    ],
)
def test_bodies_that_are_no_form_are_refused(rest: Server, media_type: str) -> None:
    headers = {"Content-Type": media_type.encode("latin-1")}
    answer = requests.post(rest.depth_url, data=multipart(), headers=headers, timeout=60)
    assert_told(answer, 400, 415, 422)


@pytest.mark.parametrize("name", ["image", "fx", "input_size"])
def test_a_field_that_is_sent_twice_is_refused(rest: Server, name: str) -> None:
    fields: list[tuple[str, Any]] = [
        ("image", GOOD),
        ("fx", (None, "500")),
        ("input_size", (None, "14")),
    ]
    fields += [field for field in fields if field[0] == name]
    answer = requests.post(rest.depth_url, files=fields, timeout=60)
    assert f"{name} is in the form 2 times" in assert_told(answer, 422)


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/health/",
        "//evil.example",
        "/%00",
        "/%ff",
        "/docs/assets/../app.py",
        "/docs/assets/..%2f..%2fapp.py",
        "/docs/assets/%00",
        "/docs/assets/" + "x" * 5000,
        "/docs/assets/",
        "/.git/config",
    ],
)
@pytest.mark.parametrize("host", ["x", "[", "evil.example:1:2"])
def test_paths_that_do_not_exist_lead_nowhere(rest: Server, path: str, host: str) -> None:
    with Connection(rest) as connection:
        connection.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert_told(connection.answer(), 404)


@pytest.mark.parametrize(
    "accept", ["text/html", "image/jpeg", "x", "*/*;q=0", "image/png;q=nan", "," * 5000]
)
def test_accept_headers(rest: Server, accept: str) -> None:
    answer = send(rest, headers={"Accept": accept})
    if accept.strip(","):
        assert_told(answer, 406)
    else:
        assert answer.status_code == 200


def test_gzip_is_sent_only_to_who_takes_it(rest: Server) -> None:
    for header, coding in (("gzip", "gzip"), ("gzip;q=0", None), ("br, gzip;q=0.5", "gzip")):
        answer = send(rest, headers={"Accept-Encoding": header})
        assert answer.headers.get("Content-Encoding") == coding


def test_a_request_id_cannot_write_into_the_log(rest: Server) -> None:
    for given in ('x"y', "x" * 5000, "{}", "a b"):
        answer = send(rest, headers={"X-Request-ID": given})
        assert answer.headers["X-Request-ID"] not in ("", given)
    assert send(rest, headers={"X-Request-ID": "mine-1"}).headers["X-Request-ID"] == "mine-1"
