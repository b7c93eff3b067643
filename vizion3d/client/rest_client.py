"""A client of the REST server."""

import io
import json
from typing import Any, Self
from urllib.parse import unquote

import numpy as np
import requests

from vizion3d.client.exchange import (
    ServedModel,
    encoded,
    error_of,
    rebuild,
    wire_fields,
    wire_model,
)
from vizion3d.errors import ServerError, Vizion3DError
from vizion3d.geometry.projection import CameraIntrinsics
from vizion3d.lifting.commands import DepthEstimationCommand
from vizion3d.lifting.models import DepthEstimationResult


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
            self._session.headers["X-API-Key"] = api_key

    def run(self, command: DepthEstimationCommand) -> DepthEstimationResult:
        """What :meth:`vizion3d.lifting.DepthEstimation.run` does, on the server.

        ``model_backend`` must be one that the server offers; left at its default, the server's
        default is used.

        Raises:
            Vizion3DError: What the server tells, as the library raises it.
            ServerError: The server cannot be reached, refuses the key, or fails.
        """
        image = encoded(command.image_input)
        fields = wire_fields(command.advanced_config)
        fields |= {"model_backend": wire_model(command), "input_size": command.input_size}
        response = self._ask(
            "POST",
            "/lifting/depth-estimation",
            headers={"Accept": "application/x-npy"},
            files={"image": ("image", image)},
            data={name: value for name, value in fields.items() if value not in (None, "")},
        )
        told = response.headers
        return rebuild(
            command,
            image,
            np.load(io.BytesIO(response.content), allow_pickle=False),
            min_depth=float(told["X-Min-Depth"]),
            max_depth=float(told["X-Max-Depth"]),
            backend_used=unquote(told["X-Model"]),
            depth_kind=told["X-Depth-Kind"],  # type: ignore[arg-type]  # validated by the result
            intrinsics=CameraIntrinsics(**json.loads(told["X-Intrinsics"])),
        )

    def models(self) -> list[ServedModel]:
        """The models that the server offers, the default first."""
        return [ServedModel(**model) for model in self._ask("GET", "/models").json()]

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
        name, detail = problem["type"].removeprefix("urn:vizion3d:"), problem["detail"]
    except (ValueError, KeyError, TypeError):
        return ServerError(f"{response.url} answered {response.status_code} {response.reason}")
    return error_of(name, detail, float(response.headers.get("Retry-After", 1)))
