"""How the task is asked of a server."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np

from tests.support.toy import wire
from tests.support.toy.commands import DifferenceCommand, DifferenceResult
from vizion3d.client.exchange import Exchange, Form, OverGrpc, OverRest, encoded
from vizion3d.wire.arrays import unpack


def _model(command: DifferenceCommand) -> str:
    return "" if command.model_backend == "grey" else command.model_backend


def to_form(command: DifferenceCommand) -> Form:
    """The form to send."""
    return Form(
        {"first": encoded(command.first), "second": encoded(command.second)},
        {"gain": command.config.gain, "model_backend": _model(command)},
    )


def from_answer(
    _command: DifferenceCommand, _form: Form, body: bytes, told: Mapping[str, str]
) -> DifferenceResult:
    """The result, of an NPY file and its headers."""
    return DifferenceResult(np.load(io.BytesIO(body)), float(told[wire.MEAN]))


def to_request(command: DifferenceCommand) -> Any:
    """The message to send."""
    return wire.Request(
        first=encoded(command.first),
        second=encoded(command.second),
        model_backend=_model(command),
        gain=command.config.gain,
    )


def from_response(_command: DifferenceCommand, _request: Any, response: Any) -> DifferenceResult:
    """The result, of the server's message."""
    return DifferenceResult(unpack(response.difference), response.mean)


EXCHANGE = Exchange(
    OverRest(wire.PATH, "application/x-npy", to_form, from_answer),
    OverGrpc(wire.RPC, to_request, from_response),
)
