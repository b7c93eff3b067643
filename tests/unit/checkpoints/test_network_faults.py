import socket

import pytest
import requests
from urllib3.connection import HTTPSConnection
from urllib3.exceptions import MaxRetryError, NewConnectionError

from vizion3d.checkpoints.network_faults import explain, is_unreachable
from vizion3d.errors import DownloadReason

HOST = "weights.example"


def wrapped(cause: OSError) -> requests.ConnectionError:
    """An error of the socket, as requests raises it."""
    broken = NewConnectionError(HTTPSConnection(HOST), f"Failed: {cause}")
    broken.__cause__ = cause
    pool: None = None
    return requests.ConnectionError(MaxRetryError(pool, "/", broken))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "told", "reason"),
    [
        (wrapped(socket.gaierror(-2, "Name or service not known")), "cannot be res", "no-network"),
        (wrapped(ConnectionRefusedError(111, "refused")), "refuses the connection", "no-network"),
        (wrapped(OSError(101, "unreachable")), "Network is unreachable", "no-network"),
        (wrapped(OSError()), f"no connection to {HOST}", "no-network"),
        (requests.ConnectTimeout(), "does not answer", "no-network"),
        (requests.ReadTimeout(), "fallen silent", "interrupted"),
        (requests.exceptions.ProxyError(), "HTTPS_PROXY", "proxy"),
        (requests.exceptions.SSLError(), "REQUESTS_CA_BUNDLE", "certificate"),
        (requests.exceptions.ChunkedEncodingError(), "broke off", "interrupted"),
        (requests.ConnectionError("aborted"), "broke off", "interrupted"),
        (ValueError("HTTP status 503"), "HTTP status 503", "interrupted"),
    ],
)
def test_each_fault_is_one_short_line(error: Exception, told: str, reason: DownloadReason) -> None:
    line, kind = explain(error, HOST)
    assert told in line
    assert kind == reason
    assert "\n" not in line
    assert len(line) < 140
    assert is_unreachable(kind) == (kind in ("no-network", "proxy", "certificate"))
