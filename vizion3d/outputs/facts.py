"""The facts of a result, each declared once, at the field of the result that holds it.

    min_depth: Annotated[float, Fact("Smallest value of the depth.", header="X-Min-Depth")]

The JSON answer, the headers of binary answers, what web pages may read of them (CORS), the OpenAPI
document and what the clients read back all follow from that line.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any, Literal, get_origin
from urllib.parse import quote, unquote

from pydantic import BaseModel, Field, TypeAdapter, create_model

_PATH_CHARACTERS = "/:\\ "
"""What stands as it is in a header; the rest of a text is percent-encoded."""


@dataclass(frozen=True)
class Fact:
    """Marks a field of a result that every representation of the result contains.

    Attributes:
        description: What it is, for the documentation.
        header: Name of the header that carries it in binary answers; empty: only JSON has it.
    """

    description: str
    header: str = ""


def facts_of(model: type[BaseModel]) -> dict[str, Fact]:
    """Name of a field -> what is declared of it, in the fields' order."""
    return {
        name: mark
        for name, field in model.model_fields.items()
        for mark in field.metadata
        if isinstance(mark, Fact)
    }


def headers_of(model: type[BaseModel]) -> dict[str, str]:
    """Name of a header -> what it says, and how it is encoded."""
    return {
        fact.header: fact.description.rstrip(".") + _encoding(model.model_fields[name].annotation)
        for name, fact in facts_of(model).items()
        if fact.header
    }


def values_of(result: BaseModel) -> dict[str, Any]:
    """Name of a field -> its value, ready for JSON."""
    return {name: _plain(getattr(result, name)) for name in facts_of(type(result))}


def as_headers(result: BaseModel) -> dict[str, str]:
    """The facts as headers: texts percent-encoded, everything else as JSON in ASCII."""
    return {
        fact.header: _as_text(getattr(result, name))
        for name, fact in facts_of(type(result)).items()
        if fact.header
    }


def from_headers(model: type[BaseModel], headers: Mapping[str, str]) -> dict[str, Any]:
    """The fields carried by headers, by name; the inverse of :func:`as_headers`.

    Raises:
        KeyError: A header is missing whose field has no default: an older server does not tell
            what was added since.
        pydantic.ValidationError: A header holds no value of the field's type.
    """
    return {
        name: _from_text(headers[fact.header], model.model_fields[name].annotation)
        for name, fact in facts_of(model).items()
        if fact.header and (fact.header in headers or model.model_fields[name].is_required())
    }


def answer_model(
    name: str,
    model: type[BaseModel],
    summary: str,
    parts: Mapping[str, tuple[Any, str]],
    types: Mapping[str, Any] | None = None,
) -> type[BaseModel]:
    """The model of a JSON answer: the facts, and large parts that a client asks for or not.

    Args:
        name: Of the model.
        model: The result.
        summary: What the answer is.
        parts: Name -> type and description of what is there beside the facts.
        types: Types that JSON has for some facts, in place of the result's own.
    """
    types = types or {}
    facts = {
        field: (types.get(field, model.model_fields[field].annotation), fact.description)
        for field, fact in facts_of(model).items()
    }
    fields: dict[str, Any] = {
        field: (kind, Field(description=description))
        for field, (kind, description) in {**facts, **parts}.items()
    }
    return create_model(name, __doc__=summary, **fields)


def _encoding(kind: Any) -> str:
    if kind is str:
        return ", percent-encoded"
    scalar = kind in (int, float, bool) or get_origin(kind) is Literal
    return "" if scalar else ", JSON"


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return quote(value, safe=_PATH_CHARACTERS)
    return json.dumps(_plain(value), separators=(",", ":"))


def _plain(value: Any) -> Any:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


def _from_text(text: str, kind: Any) -> Any:
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    try:
        return adapter.validate_json(text)
    except ValueError:
        return adapter.validate_python(unquote(text))
