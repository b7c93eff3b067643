"""Typed clients of the servers: the library's own commands in, its own results out.

Each client is imported when it is first asked for, so that REST needs no gRPC.
"""

from typing import TYPE_CHECKING, Any

from vizion3d.core.lazy import load

if TYPE_CHECKING:
    from vizion3d.client.grpc_client import GrpcClient
    from vizion3d.client.rest_client import RestClient

__all__ = ["GrpcClient", "RestClient"]

_PLACES = {"GrpcClient": "grpc_client", "RestClient": "rest_client"}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return load(f"{__name__}.{_PLACES[name]}:{name}", type)
