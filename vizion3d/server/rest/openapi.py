"""What the OpenAPI document says beside what FastAPI finds out by itself."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

from vizion3d.server.rest.problems import MEDIA_TYPE, Problem
from vizion3d.server.status import STATUSES

Responses = dict[int | str, dict[str, Any]]

_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FACTS = {
    "X-Min-Depth": "Smallest value of the depth (binary answers).",
    "X-Max-Depth": "Largest value of the depth (binary answers).",
    "X-Depth-Kind": "relative or metric (binary answers).",
    "X-Intrinsics": "The camera that was assumed, JSON (binary answers).",
    "X-Model": "The checkpoint's file on the server, percent-encoded (binary answers).",
}
_GATE = {
    401: "The API key is missing or wrong.",
    413: "The body is larger than the server reads.",
    415: "The body is compressed, or no multipart/form-data.",
}
_DEPTH = {
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


def depth_responses(answer: type[BaseModel], binary: Iterable[str]) -> Responses:
    """Everything that the depth route may answer."""
    titles: dict[int, str] = {}
    for status in STATUSES.values():
        titles.setdefault(status.http, status.title)
    content = dict.fromkeys(binary, _BINARY)
    headers = {
        name: {"description": text, "schema": {"type": "string"}} for name, text in _FACTS.items()
    }
    success = {"model": answer, "description": "The depth.", "content": content, "headers": headers}
    return {200: success, **problems(titles | _GATE | _DEPTH)}


def complete(document: dict[str, Any], *, secured: bool) -> dict[str, Any]:
    """The problem's schema, the key where one is needed, and the request id of every answer."""
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas["Problem"] = Problem.model_json_schema()
    for name in ("HTTPValidationError", "ValidationError"):  # FastAPI's own, which we replace
        schemas.pop(name, None)
    for name in [name for name in schemas if name.startswith("Body_")]:
        schemas[name]["properties"] = _without_null(schemas[name]["properties"])
    if secured:
        components["securitySchemes"] = {
            "ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"}
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
                response.setdefault("headers", {})["X-Request-ID"] = request_id
                content = response.get("content", {})
                if MEDIA_TYPE in content:
                    response["content"] = {MEDIA_TYPE: content[MEDIA_TYPE]}
    return document


def _without_null(properties: dict[str, Any]) -> dict[str, Any]:
    """The fields of a form: one is left out, or has a value; no form can say null."""
    plain = {}
    for name, schema in properties.items():
        kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
        rest = {key: value for key, value in schema.items() if key != "anyOf"}
        plain[name] = {**kinds[0], **rest} if len(kinds) == 1 else schema
    return plain
