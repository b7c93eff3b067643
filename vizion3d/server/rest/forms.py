"""Multipart forms: what every task's has, and the fields that a configuration's model declares."""

import inspect
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from difflib import get_close_matches
from typing import Annotated, Any, TypeVar

from annotated_types import Gt
from fastapi import File, Form, Request, UploadFile
from pydantic import AllowInfNan, BaseModel
from pydantic.fields import FieldInfo

from vizion3d.errors import InvalidConfigError

T = TypeVar("T")

Photo = Annotated[
    UploadFile,
    File(description="The photo: JPEG, PNG, WebP, TIFF, BMP, GIF (first frame), AVIF or HEIC."),
]
ModelName = Annotated[
    str, Form(description="One of the names that GET /models answers; empty: the default.")
]

CONFIG = "config"
"""The parameter of a form's function that receives the configuration's fields."""

_MAX_SHOWN = 80


def form(
    model: type[BaseModel],
) -> Callable[[Callable[..., Awaitable[T]]], Callable[..., Awaitable[T]]]:
    """Make a function a dependency that reads a form.

    Its parameter ``config`` stands for the fields of ``model``: each is an optional field of the
    form, by the model's own name, constraints and description, and those that are sent arrive as a
    dictionary. A field that is sent twice, or that the form does not have, is an
    :class:`InvalidConfigError`.
    """

    def decorate(read: Callable[..., Awaitable[T]]) -> Callable[..., Awaitable[T]]:
        parameters = list(_form_parameters(read, model))
        names = {parameter.name for parameter in parameters}

        async def read_form(request: Request, **fields: Any) -> T:
            await _check_names(request, names)
            config = {name: fields.pop(name) for name in model.model_fields}
            given = {name: value for name, value in config.items() if value is not None}
            return await read(**fields, **{CONFIG: given})

        request = inspect.Parameter("request", inspect.Parameter.KEYWORD_ONLY, annotation=Request)
        read_form.__signature__ = inspect.Signature([request, *parameters])  # type: ignore[attr-defined]  # FastAPI reads it
        return read_form

    return decorate


def _form_parameters(
    read: Callable[..., Any], model: type[BaseModel]
) -> Iterator[inspect.Parameter]:
    for name, parameter in inspect.signature(read).parameters.items():
        if name != CONFIG:
            yield parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            continue
        for field_name, field in model.model_fields.items():
            yield inspect.Parameter(
                field_name,
                inspect.Parameter.KEYWORD_ONLY,
                annotation=_optional(field),
                default=None,
            )


def _optional(field: FieldInfo) -> Any:
    """The field's type with its constraints, or ``None`` for one that is not sent."""
    kind: Any = field.annotation
    constraints = list(field.metadata)
    if any(isinstance(item, Gt) for item in constraints) or kind is float:
        constraints.append(AllowInfNan(False))
    for constraint in constraints:
        kind = Annotated[kind, constraint]
    return Annotated[kind | None, Form(description=field.description)]


async def _check_names(request: Request, names: set[str]) -> None:
    times = Counter(name for name, _ in (await request.form()).multi_items())
    for name, count in times.items():
        if name not in names:
            raise InvalidConfigError(f"the form has no field {_shown(name)}; {_meant(name, names)}")
        if count > 1:
            raise InvalidConfigError(f"{name} is in the form {count} times; send it once")


def _shown(name: str) -> str:
    return repr(name if len(name) <= _MAX_SHOWN else name[: _MAX_SHOWN - 3] + "...")


def _meant(name: str, names: set[str]) -> str:
    close = get_close_matches(name[:_MAX_SHOWN], names, 1)
    return f"did you mean {close[0]}?" if close else f"its fields are {', '.join(sorted(names))}"
