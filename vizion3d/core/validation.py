"""Pydantic's validation errors, told as ours."""

from typing import Any, Self

from pydantic import BaseModel, ModelWrapValidatorHandler, ValidationError, model_validator

from vizion3d.errors import InvalidConfigError


def explain(error: ValidationError, prefix: str = "") -> str:
    """One line a fault: the field, what it must be, and the value that was given."""
    faults = []
    for fault in error.errors():
        name = prefix + ".".join(str(part) for part in fault["loc"])
        text = fault["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
        given = "" if fault["type"] in ("value_error", "missing") else f", got {fault['input']!r}"
        faults.append(f"{name}: {text}{given}" if name else f"{text}{given}")
    return "; ".join(faults)


class ValidatedModel(BaseModel):
    """A pydantic model whose refusals are :class:`InvalidConfigError`, also on assignment."""

    @model_validator(mode="wrap")
    @classmethod
    def _translate_errors(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(data)
        except ValidationError as error:
            raise InvalidConfigError(f"{cls.__name__}: {explain(error)}") from error
