"""What went wrong on the way to a server, in a line that a person can act on."""

import errno
import os
import socket
from collections.abc import Iterator

import requests
from urllib3.exceptions import NewConnectionError

from vizion3d.errors import DownloadReason

_UNREACHABLE: tuple[DownloadReason, ...] = ("no-network", "proxy", "certificate")


def explain(error: Exception, host: str) -> tuple[str, DownloadReason]:
    """``(what happened, which kind it is)`` of an error that an attempt ended with.

    Args:
        error: Of requests, or of our own.
        host: The server that was asked.
    """
    if isinstance(error, requests.exceptions.ProxyError):
        return f"the proxy for {host} does not answer (HTTPS_PROXY)", "proxy"
    if isinstance(error, requests.exceptions.SSLError):
        return (
            f"the certificate of {host} is not trusted here; behind a proxy that reads TLS, set "
            "REQUESTS_CA_BUNDLE to its certificate",
            "certificate",
        )
    if isinstance(error, requests.ConnectTimeout):
        return f"{host} does not answer", "no-network"
    if isinstance(error, requests.Timeout):
        return f"{host} has fallen silent", "interrupted"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the transfer broke off", "interrupted"
    if isinstance(error, requests.ConnectionError):
        return _of_connection(error, host)
    return str(error), "interrupted"


def is_unreachable(reason: DownloadReason) -> bool:
    """Whether no server was reached: waiting long will hardly change that."""
    return reason in _UNREACHABLE


def _of_connection(error: requests.ConnectionError, host: str) -> tuple[str, DownloadReason]:
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror):
            return f"the name {host} cannot be resolved: there seems to be no network", "no-network"
        if isinstance(cause, OSError) and cause.errno == errno.ECONNREFUSED:
            return f"{host} refuses the connection", "no-network"
        if isinstance(cause, OSError) and cause.errno is not None:
            return f"no connection to {host}: {os.strerror(cause.errno)}", "no-network"
        if isinstance(cause, NewConnectionError):
            return f"no connection to {host}", "no-network"
    return f"the connection to {host} broke off", "interrupted"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """What an error was raised from, the innermost first."""
    chain: list[BaseException] = []
    todo: list[object] = [error]
    while todo:
        cause = todo.pop()
        if isinstance(cause, BaseException) and cause not in chain:
            chain.append(cause)
            todo += [cause.__cause__, cause.__context__, getattr(cause, "reason", None)]
            todo += list(cause.args)
    return reversed(chain)
