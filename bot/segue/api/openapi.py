"""The OpenAPI 3.1 description, made from the routes' declarations and the types of `wire.py`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import msgspec

from segue.api.declaring import ONCE, PUBLIC, Endpoint
from segue.api.scopes import SCOPES
from segue.api.wire import Error

_REFERENCE = "#/components/schemas/{name}"
_SAID = {
    200: "Here it is.",
    202: "Stored: it will be done.",
    400: "The body is not JSON.",
    401: "No key, or one that is not known.",
    403: "Not allowed to this key, or here.",
    404: "There is no such customer or dialog.",
    409: "The idempotency key was used with another body, or the address is another customer's.",
    413: "The body is too large.",
    415: "The body has a type that is not taken here.",
    422: "Understood, but it does not fit.",
    429: "Too many at once; Retry-After says when.",
    503: "Not available just now; Retry-After says when.",
}


def describe(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """Return the description."""
    bodies = [one.body for one in endpoints if one.body is not None]
    answers = [kind for one in endpoints for kind in one.gives.values()]
    _, schemas = msgspec.json.schema_components([*bodies, *answers, Error], ref_template=_REFERENCE)
    paths: dict[str, dict[str, Any]] = {}
    for one in endpoints:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Segue",
            "version": _version(),
            "description": "For the company's own systems.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def statuses(one: Endpoint) -> list[int]:
    """Return every status a route may answer with."""
    if one.scope == PUBLIC:
        return [200, 503]
    common = {401, 403, 429, 503}
    if one.body is not None:
        common |= {400, 409, 413, 415, 422}
    elif "{who}" in one.path:
        common.add(422)
    return sorted({*one.gives, *one.problems, *common})


def _operation(one: Endpoint) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.summary,
        "responses": {str(status): _response(one, status) for status in statuses(one)},
        "security": [] if one.scope == PUBLIC else [{"key": [one.scope]}],
    }
    if one.scope != PUBLIC:
        operation["description"] = f"Scope `{one.scope}`: {SCOPES[one.scope]}."
    parameters: list[dict[str, Any]] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string"},
            "description": "Your own id of the customer, or segue:ID.",
        }
        for name in re.findall(r"{(\w+)}", one.path)
    ]
    if one.method == "POST":
        parameters.append(
            {
                "name": ONCE,
                "in": "header",
                "required": False,
                "schema": {"type": "string", "minLength": 1, "maxLength": 255},
                "description": "The same key with the same body is done once.",
            }
        )
    if parameters:
        operation["parameters"] = parameters
    if one.body is not None:
        operation["requestBody"] = {"required": True, "content": _content(one.body.__name__)}
    return operation


def _response(one: Endpoint, status: int) -> dict[str, Any]:
    said: dict[str, Any] = {"description": _SAID[status]}
    if status in one.gives:
        said["content"] = _content(one.gives[status].__name__)
    elif status >= 400:
        said["content"] = _content(Error.__name__)
    else:
        said["content"] = {"application/json": {"schema": {"type": "object"}}}
    return said


def _content(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _REFERENCE.format(name=name)}}}


def _version() -> str:
    try:
        return version("segue")
    except PackageNotFoundError:
        return "0"
