"""What the OpenAPI document says beside what FastAPI finds out by itself."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from vizion3d.errors import InvalidConfigError, ModelNotAllowedError
from vizion3d.server.rest.problems import MEDIA_TYPE, Problem
from vizion3d.wire.headers import API_KEY, REQUEST_ID
from vizion3d.wire.problems import STATUSES

Responses = dict[int | str, dict[str, Any]]

_BINARY = {"schema": {"type": "string", "format": "binary"}}
_GATE = {
    401: "The API key is missing or wrong.",
    413: "The body is larger than the server reads.",
    415: "The body is compressed, or no multipart/form-data.",
}
_TASK = {
    400: "Not an image, damaged, or too large; or not multipart.",
    406: "None of the accepted media types is offered.",
    408: "The body did not arrive in time.",
}


def problems(statuses: dict[int, str]) -> Responses:
    """Responses that tell a problem."""
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {
        status: {"description": text, "content": {MEDIA_TYPE: schema}}
        for status, text in statuses.items()
    }


def open_responses() -> Responses:
    """What a route that needs no key may answer."""
    return problems({413: _GATE[413]})


def gate_responses() -> Responses:
    """What every route that needs a key may answer."""
    return problems(_GATE)


def model_responses() -> Responses:
    """What a route about one model of the Open Inference Protocol may answer."""
    return {**gate_responses(), **error_responses(ModelNotAllowedError, InvalidConfigError)}


def error_responses(*kinds: type[Exception]) -> Responses:
    """What a route answers to these errors."""
    return problems({STATUSES[kind].http: STATUSES[kind].title for kind in kinds})


def task_responses(
    answer: type[BaseModel], success: str, binary: Iterable[str], facts: Mapping[str, str]
) -> Responses:
    """Everything that a task's route may answer.

    Args:
        answer: The JSON answer's model.
        success: What an answer is.
        binary: Media types of the binary answers.
        facts: Their headers, and what each says.
    """
    titles: dict[int, str] = {}
    for status in STATUSES.values():
        titles.setdefault(status.http, status.title)
    headers = {
        name: {"description": text, "schema": {"type": "string"}} for name, text in facts.items()
    }
    content = dict.fromkeys(binary, _BINARY)
    told = {"model": answer, "description": success, "content": content, "headers": headers}
    return {200: told, **problems(titles | _GATE | _TASK)}


def complete(document: dict[str, Any], *, secured: bool) -> dict[str, Any]:
    """The problem's schema, the key where one is needed, and the request id of every answer."""
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas["Problem"] = Problem.model_json_schema()
    for name in ("HTTPValidationError", "ValidationError"):  # FastAPI's own, which we replace
        schemas.pop(name, None)
    for name in [name for name in schemas if name.startswith("Body_")]:
        schemas[name]["properties"] = _form_fields(schemas[name]["properties"])
        schemas[name]["additionalProperties"] = False  # a misspelt field is refused
    if secured:
        components["securitySchemes"] = {
            "ApiKey": {"type": "apiKey", "in": "header", "name": API_KEY}
        }
    request_id = {
        "description": "Names the request in the server's log; the request's own if it has one.",
        "schema": {"type": "string"},
    }
    for operations in document["paths"].values():
        for operation in operations.values():
            if secured and "401" in operation["responses"]:
                operation["security"] = [{"ApiKey": []}]
            for response in operation["responses"].values():
                response.setdefault("headers", {})[REQUEST_ID] = request_id
                content = response.get("content", {})
                if MEDIA_TYPE in content:
                    response["content"] = {MEDIA_TYPE: content[MEDIA_TYPE]}
    return document


def _form_fields(properties: dict[str, Any]) -> dict[str, Any]:
    """The fields of a form: one is left out, or has a value; no form can say null.

    Generators of clients know a file by ``format: binary``, not by its ``contentMediaType``.
    """
    plain = {}
    for name, schema in properties.items():
        kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
        rest = {key: value for key, value in schema.items() if key != "anyOf"}
        if rest.pop("contentMediaType", None):
            rest["format"] = "binary"
        plain[name] = {**(kinds[0] if kinds else {}), **rest}
    return plain
