"""The task's RPCs."""

from typing import Any

from tests.support.toy import wire
from tests.support.toy.commands import DifferenceCommand, DifferenceConfig, DifferenceResult
from vizion3d.server.grpc.methods import Methods
from vizion3d.wire.arrays import pack


def read(message: Any) -> DifferenceCommand:
    """What a message asks for."""
    config = DifferenceConfig(gain=message.gain) if message.gain else DifferenceConfig()
    return DifferenceCommand(message.first, message.second, message.model_backend, config)


def write(result: DifferenceResult, _command: DifferenceCommand, _message: Any) -> Any:
    """A result as a message."""
    return wire.Response(difference=pack(result.difference), mean=result.mean)


METHODS = Methods(wire.RPC, read, write)
