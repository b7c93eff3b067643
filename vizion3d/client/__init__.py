"""Typed clients of the servers: the library's own commands in, its own results out."""

from vizion3d.client.grpc_client import GrpcClient
from vizion3d.client.rest_client import RestClient

__all__ = ["GrpcClient", "RestClient"]
