"""The messages of the Open Inference Protocol over HTTP: JSON, and what may follow it."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

import vizion3d
from vizion3d.core.validation import explain
from vizion3d.errors import InvalidConfigError
from vizion3d.server.encoding import json_rows
from vizion3d.server.inference import (
    EXTENSIONS,
    NAME,
    Answer,
    Scalar,
    Tensor,
    datatype_of,
    one_element,
)

HEADER_LENGTH = "Inference-Header-Content-Length"
_MICROSECONDS = 1e-6

Parameters = dict[str, Scalar]


class Live(BaseModel):
    """The server answers."""

    live: Literal[True] = True


class Ready(BaseModel):
    """Whether requests may be sent."""

    ready: bool


class ServerMetadata(BaseModel):
    """What the server is."""

    name: str = NAME
    version: str = vizion3d.__version__
    extensions: list[str] = list(EXTENSIONS)


class TensorMetadata(BaseModel):
    """An input or output."""

    name: str
    datatype: str = Field(description="BYTES, UINT8, FP32, FP64 or BOOL.")
    shape: list[int] = Field(description="-1: a side of the image.")


class ModelMetadata(BaseModel):
    """What goes into a model, and what may come out."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class InferInput(BaseModel):
    """An image: encoded (BYTES), or its pixels (UINT8)."""

    model_config = ConfigDict(strict=True)

    name: str
    datatype: Literal["BYTES", "UINT8"]
    shape: list[int] = Field(description="[1] of BYTES; [H, W, 3] of UINT8.")
    data: list[Any] | None = Field(
        None,
        description="BYTES: one base64 text. UINT8: numbers, nested or not. Left out where the "
        "content follows the JSON (parameter binary_data_size).",
    )
    parameters: Parameters = {}


class InferOutput(BaseModel):
    """An output that is asked for."""

    model_config = ConfigDict(strict=True)

    name: str
    parameters: Parameters = Field({}, description="binary_data: whether it follows the JSON.")


class InferRequest(BaseModel):
    """What to run."""

    model_config = ConfigDict(strict=True)

    id: str = ""
    parameters: Parameters = Field(
        {},
        description="Fields of the task's configuration, model_backend, input_size ...; "
        "binary_data_output: whether the outputs follow the JSON; timeout: microseconds.",
    )
    inputs: list[InferInput]
    outputs: list[InferOutput] = Field([], description="None named: everything.")


class AnswerTensor(TensorMetadata):
    """An output."""

    parameters: Parameters | None = Field(None, description="binary_data_size, if binary.")
    data: list[Any] | None = Field(None, description="Rows, if not binary.")


class InferAnswer(BaseModel):
    """What came out."""

    model_name: str
    model_version: str
    id: str
    parameters: Parameters = Field(description="Facts of the result; a text may be JSON.")
    outputs: list[AnswerTensor]


def read(body: bytes, header_length: str | None) -> tuple[InferRequest, list[Tensor]]:
    """A request's JSON, and its inputs.

    Args:
        body: JSON, and the content of binary inputs after it.
        header_length: Bytes of the JSON, in decimal; ``None``: all of it is.

    Raises:
        InvalidConfigError: It is not in the form that the protocol has for it.
    """
    length = len(body)
    if header_length is not None:
        if not (header_length.isdecimal() and int(header_length[:20]) <= length):
            raise InvalidConfigError(
                f"{HEADER_LENGTH} must be the bytes of the JSON, at most the body's {length}; "
                f"got {header_length[:40]!r}"
            )
        length = int(header_length)
    try:
        asked = InferRequest.model_validate(orjson.loads(body[:length]))
    except orjson.JSONDecodeError as error:
        raise InvalidConfigError(f"the body is not JSON: {error}") from error
    except ValidationError as error:
        raise InvalidConfigError(explain(error)) from error
    tensors, position = [], length
    for told in asked.inputs:
        size = told.parameters.get("binary_data_size")
        if size is None:
            content = _from_json(told)
        elif type(size) is not int or not 0 <= size <= len(body) - position:
            raise InvalidConfigError(
                f"{told.name[:80]}: binary_data_size must be its bytes after the JSON, of which "
                f"{len(body) - position} are left; got {size!r:.40}"
            )
        else:
            content, position = body[position : position + size], position + size
            if told.datatype == "BYTES":
                content = one_element(told.name, content)
        tensors.append(Tensor(told.name, told.datatype, told.shape, content))
    return asked, tensors


def _from_json(told: InferInput) -> bytes:
    data = told.data or []
    if told.datatype == "UINT8":
        try:
            pixels = np.array(data)
        except ValueError as error:
            raise InvalidConfigError(f"{told.name[:80]}: rows differ in length") from error
        if (
            pixels.size == 0
            or pixels.dtype.kind != "i"
            or not 0 <= pixels.min() <= pixels.max() < 256
        ):
            raise InvalidConfigError(f"{told.name[:80]}: UINT8 data are whole numbers, 0 to 255")
        return pixels.astype(np.uint8).tobytes()
    if len(data) != 1 or not isinstance(data[0], str):
        raise InvalidConfigError(f"{told.name[:80]}: BYTES data are one text, base64")
    try:
        return base64.b64decode(data[0], validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidConfigError(
            f"{told.name[:80]}: an encoded image in JSON is base64: {error}"
        ) from error


def timeout_s(parameters: dict[str, Scalar]) -> float | None:
    """The client's own limit, taken out of the parameters."""
    timeout = parameters.pop("timeout", None)
    if timeout is None:
        return None
    if isinstance(timeout, bool | str) or timeout < 0:
        raise InvalidConfigError(f"timeout must be microseconds, got {timeout!r:.40}")
    return timeout * _MICROSECONDS or None


def write(
    told: Mapping[str, Any], answer: Answer, binary: set[str]
) -> tuple[bytes, dict[str, str]]:
    """The answer's body and headers.

    Args:
        told: What the JSON says beside the outputs.
        answer: The outputs.
        binary: Names of those that follow the JSON.
    """
    outputs: list[dict[str, Any]] = []
    contents: list[bytes] = []
    for name, array in answer.arrays.items():
        output: dict[str, Any] = {
            "name": name,
            "datatype": datatype_of(array),
            "shape": list(array.shape),
        }
        if name in binary:
            contents.append(array.tobytes())
            output["parameters"] = {"binary_data_size": len(contents[-1])}
        else:
            output["data"] = orjson.Fragment(json_rows(array))
        outputs.append(output)
    document = orjson.dumps({**told, "parameters": answer.facts, "outputs": outputs})
    if not contents:
        return document, {}
    return b"".join((document, *contents)), {HEADER_LENGTH: str(len(document))}
