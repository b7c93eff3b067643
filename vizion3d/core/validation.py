"""Pydantic's validation errors, told as ours."""

from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import ErrorDetails

from vizion3d.errors import InvalidConfigError

TINIEST, LARGEST = 1e-6, 1e9
"""Bounds of the numbers of a configuration, so that points stay within float32."""

Positive = Annotated[float, Field(gt=TINIEST, le=LARGEST)]
Moderate = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]

_MAX_SHOWN = 100


def explain(error: ValidationError, prefix: str = "") -> str:
    """One line for all faults: the field, what it must be, and the value that was given."""
    return explain_faults(error.errors(), prefix)


def explain_faults(found: Sequence[ErrorDetails], prefix: str = "") -> str:
    """See :func:`explain`."""
    faults = []
    for fault in found:
        name = prefix + ".".join(str(part) for part in fault["loc"])
        text = fault["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
        given = (
            "" if fault["type"] in ("value_error", "missing") else f", got {_shown(fault['input'])}"
        )
        faults.append(f"{name}: {text}{given}" if name else f"{text}{given}")
    return "; ".join(faults)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."


class ValidatedModel(BaseModel):
    """A pydantic model whose refusals are :class:`InvalidConfigError`, also on assignment."""

    @model_validator(mode="wrap")
    @classmethod
    def _translate_errors(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(data)
        except ValidationError as error:
            raise InvalidConfigError(f"{cls.__name__}: {explain(error)}") from error
