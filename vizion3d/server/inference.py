"""The Open Inference Protocol, version 2, as far as HTTP and gRPC have it in common.

A model of the protocol is a task: ``depth_estimation`` with the server's default checkpoint. A
checkpoint that only one task offers is one too, by its own name; any other that is offered is named
by the parameter ``model_backend``, as in the other routes.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import orjson
from numpy.typing import NDArray

from vizion3d.core.lazy import load
from vizion3d.errors import InvalidConfigError, ModelNotAllowedError
from vizion3d.media.images import ImageInput
from vizion3d.server.service import Service
from vizion3d.task import Task
from vizion3d.tensors import Tensors

T = TypeVar("T")
Scalar = bool | int | float | str

NAME = "vizion3d"
EXTENSIONS = ("binary_tensor_data",)
VERSION = "1"
"""Of every model; requests may leave it out."""

_DATATYPES = {
    "float32": "FP32",
    "float64": "FP64",
    "uint8": "UINT8",
    "bool": "BOOL",
}
_MAX_SHOWN = 80


@dataclass(frozen=True)
class Tensor:
    """An input as it arrived.

    Attributes:
        name: Which input it is.
        datatype: ``"BYTES"`` or ``"UINT8"``.
        shape: As the client says.
        content: One encoded image, or the pixels in C order.
    """

    name: str
    datatype: str
    shape: Sequence[int]
    content: bytes

    def image(self) -> ImageInput:
        """The image that it is.

        Raises:
            InvalidConfigError: It is neither an encoded image nor pixels.
        """
        shape = tuple(self.shape)
        if self.datatype == "BYTES":
            if math.prod(shape) != 1:
                raise InvalidConfigError(
                    f"{_short(self.name)}: BYTES hold one encoded image, of shape [1]; "
                    f"got the shape {_short(list(shape))}"
                )
            return self.content
        if self.datatype != "UINT8":
            raise InvalidConfigError(
                f"{_short(self.name)}: the datatype must be BYTES (an encoded image) or UINT8 (RGB "
                f"pixels [H, W, 3]), got {_short(self.datatype)}"
            )
        if len(shape) != 3 or min(shape) < 1 or math.prod(shape) != len(self.content):
            raise InvalidConfigError(
                f"{_short(self.name)}: UINT8 pixels are of the shape [H, W, 3]; got the shape "
                f"{_short(list(shape))} and {len(self.content)} values"
            )
        return np.frombuffer(self.content, np.uint8).reshape(shape)


def one_element(name: str, content: bytes) -> bytes:
    """The one element of a BYTES tensor in its binary form: four bytes of length, and itself.

    Raises:
        InvalidConfigError: It is not in that form.
    """
    length = int.from_bytes(content[:4], "little")
    if len(content) < 4 or len(content) != 4 + length:
        raise InvalidConfigError(
            f"{_short(name)}: one BYTES element begins with its length, four bytes little-endian; "
            f"got {len(content)} bytes that say {length}"
        )
    return content[4:]


@dataclass(frozen=True)
class ServedModel:
    """A model of the protocol.

    Attributes:
        name: By which it is asked for.
        task: What it does.
        tensors: Its inputs and outputs.
        backend: The checkpoint; empty: the task's default.
    """

    name: str
    task: Task
    tensors: Tensors[Any, Any]
    backend: str = ""

    def inputs(self) -> list[tuple[str, str, list[int]]]:
        """Name, datatype and shape of every input."""
        return [(name, "BYTES", [1]) for name in self.tensors.images]

    def outputs(self) -> list[tuple[str, str, list[int]]]:
        """Name, datatype and shape of every output."""
        return [(a.name, _DATATYPES[a.dtype], list(a.shape)) for a in self.tensors.arrays]


@dataclass(frozen=True)
class Answer:
    """What came out.

    Attributes:
        arrays: The outputs that were asked for, in that order.
        facts: What else is known of the result: numbers and texts; a text may be JSON.
    """

    arrays: dict[str, NDArray[Any]]
    facts: dict[str, Scalar]


def datatype_of(array: NDArray[Any]) -> str:
    """``"FP32"`` of float32 ..."""
    return _DATATYPES[array.dtype.name]


class ServedModels:
    """The models of a service, by name.

    Args:
        service: The served application.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._models: dict[str, ServedModel] = {}
        for task in service.tasks:
            if task.tensors:
                tensors = load(task.tensors, Tensors)
                self._models[task.name] = ServedModel(task.name, task, tensors)
        tasks = list(self._models.values())
        offers = {model.name: set(service.models_of(model.task)) for model in tasks}
        for model in tasks:
            elsewhere = {n for name, names in offers.items() if name != model.name for n in names}
            for name in sorted(offers[model.name] - elsewhere):
                # What is a path or a URL does not fit into the protocol's own paths.
                if "/" not in name and "\\" not in name:
                    self._models.setdefault(
                        name, ServedModel(name, model.task, model.tensors, backend=name)
                    )

    @property
    def names(self) -> tuple[str, ...]:
        """Of every model."""
        return tuple(self._models)

    def find(self, name: str, version: str = "") -> ServedModel:
        """The model of that name.

        Raises:
            ModelNotAllowedError: There is none, or not in that version.
        """
        if name not in self._models:
            raise ModelNotAllowedError(
                f"this server has no model {_short(name)}; it has {', '.join(self._models)}"
            )
        if version not in ("", VERSION):
            raise ModelNotAllowedError(
                f"the model {name} has no version {_short(version)}; it has {VERSION}"
            )
        return self._models[name]

    async def infer(
        self,
        model: ServedModel,
        inputs: Collection[Tensor],
        parameters: Mapping[str, Any],
        outputs: Sequence[str],
        encode: Callable[[Answer], T],
        timeout_s: float | None = None,
    ) -> T:
        """Run a model, and encode its answer in the thread that ran it.

        Args:
            model: One of these.
            inputs: Its images.
            parameters: See :attr:`vizion3d.tensors.Tensors.read`.
            outputs: Names of what is to come out; none: everything.
            encode: Makes the answer.
            timeout_s: The client's own limit; the server's holds as well.

        Raises:
            InvalidConfigError: An input, output or parameter that makes no sense.
            Vizion3DError: As :meth:`vizion3d.server.service.Service.run`.
        """
        tensors = model.tensors
        _check_names("input", [tensor.name for tensor in inputs], tensors.images)
        missing = set(tensors.images) - {tensor.name for tensor in inputs}
        if missing:
            raise InvalidConfigError(
                f"the model {model.name} needs the input {', '.join(sorted(missing))}"
            )
        _check_names("output", outputs, [array.name for array in tensors.arrays])
        images = {tensor.name: tensor.image() for tensor in inputs}
        backend = {"model_backend": model.backend} if model.backend else {}
        command = tensors.read(images, {**backend, **parameters})

        def answer(result: Any) -> T:
            lifted = tensors.show(result, command)
            arrays = lifted.arrays
            told = [array.name for array in tensors.arrays if array.name in arrays]
            chosen = {name: arrays[name] for name in outputs or told if name in arrays}
            return encode(Answer(chosen, _scalars(lifted.facts)))

        return await self._service.run(command, answer, timeout_s)


def _check_names(what: str, given: Sequence[str], known: Collection[str]) -> None:
    for name in given:
        if name not in known:
            raise InvalidConfigError(
                f"there is no {what} {_short(name)}; there is {', '.join(known)}"
            )
        if given.count(name) > 1:
            raise InvalidConfigError(f"the {what} {name} is named more than once")


def _scalars(facts: Mapping[str, Any]) -> dict[str, Scalar]:
    """Facts as parameters: what is no number or text of its own is JSON; what is unknown is not
    told."""
    return {
        name: value if isinstance(value, Scalar) else orjson.dumps(value, default=dict).decode()
        for name, value in facts.items()
        if value is not None
    }


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."
