"""A client of the REST server."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self, TypeVar

import requests

from vizion3d.client.exchange import ServedModel, exchange_of
from vizion3d.core.cqrs import Command
from vizion3d.errors import ServerError, Vizion3DError
from vizion3d.wire.headers import API_KEY
from vizion3d.wire.problems import TYPE_PREFIX, error_of

R = TypeVar("R")


class RestClient:
    """Runs commands on a ``vizion3d-serve-rest``; safe to use from one thread at a time.

    Args:
        url: Where the server is.
        api_key: If it asks for one.
        timeout_s: How long to wait for the connection and between bytes of an answer.
        verify: For https: whether to check the certificate, or the path of a bundle to check with.

    Example:
        ```python
        from vizion3d.client import RestClient
        from vizion3d.lifting import DepthEstimationCommand

        with RestClient("http://localhost:8000") as client:
            result = client.run(DepthEstimationCommand("scene.png"))
        print(result.min_depth, result.max_depth)
        ```
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        api_key: str | None = None,
        timeout_s: float = 90.0,
        verify: bool | str = True,
    ) -> None:
        self._url = url.rstrip("/")
        self._timeout_s = timeout_s
        self._session = requests.Session()
        self._session.verify = verify
        # The array hardly shrinks: compressing it would cost more than it saves.
        self._session.headers["Accept-Encoding"] = "identity"
        if api_key is not None:
            self._session.headers[API_KEY] = api_key

    def run(self, command: Command[R]) -> R:
        """What the library does with the command, on the server.

        Its ``model_backend`` must be one that the server offers; left at its default, the server's
        default is used.

        Raises:
            Vizion3DError: What the server tells, as the library raises it.
            ServerError: The server cannot be reached, refuses the key, or fails.
        """
        task = exchange_of(command).rest
        form = task.write(command)
        response = self._ask(
            "POST",
            task.path,
            headers={"Accept": task.accept},
            files={name: (name, content) for name, content in form.files.items()},
            data={name: value for name, value in form.fields.items() if value not in (None, "")},
        )
        with self._understood():
            return task.read(command, form, response.content, response.headers)

    def models(self) -> list[ServedModel]:
        """The models that the server offers, the default first."""
        response = self._ask("GET", "/models")
        with self._understood():
            return [ServedModel.read(model) for model in response.json()]

    def ready(self) -> bool:
        """Whether requests may be sent.

        Raises:
            ServerError: The server cannot be reached.
        """
        return self._send("GET", "/ready").ok

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _understood(self) -> Iterator[None]:
        """Read an answer; what cannot be read was not written by a server of ours."""
        try:
            yield
        except (KeyError, ValueError, TypeError, AttributeError, EOFError) as error:
            raise ServerError(f"{self._url} gave no answer of vizion3d's: {error!r}") from error

    def _ask(self, method: str, path: str, **how: Any) -> requests.Response:
        response = self._send(method, path, **how)
        if not response.ok:
            raise _error(response)
        return response

    def _send(self, method: str, path: str, **how: Any) -> requests.Response:
        try:
            return self._session.request(method, self._url + path, timeout=self._timeout_s, **how)
        except requests.RequestException as error:
            raise ServerError(f"{self._url} cannot be asked: {error}") from error


def _error(response: requests.Response) -> Vizion3DError:
    try:
        problem = response.json()
        name, detail = problem["type"].removeprefix(TYPE_PREFIX), problem["detail"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return ServerError(f"{response.url} answered {response.status_code} {response.reason}")
    return error_of(name, detail, float(response.headers.get("Retry-After", 1)))
