"""A small check of data against a JSON schema: what msgspec writes, and no more of the standard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
KNOWN = {
    "$ref", "type", "properties", "required", "additionalProperties", "items", "enum", "anyOf",
    "minLength", "maxLength", "maxProperties", "pattern", "propertyNames", "format",
    "title", "description", "default",
}  # fmt: skip


def misfits(data: Any, schema: dict[str, Any], root: dict[str, Any]) -> list[str]:
    """Return what does not fit; empty if all does."""
    return list(_misfits(data, schema, root, "$"))


def _misfits(data: Any, schema: Any, root: dict[str, Any], at: str) -> Iterator[str]:
    if schema in (True, {}):
        return
    unknown = set(schema) - KNOWN
    assert not unknown, f"this check does not know {unknown}"
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        yield from _misfits(data, root["components"]["schemas"][name], root, at)
        return
    if "anyOf" in schema:
        if all(list(_misfits(data, each, root, at)) for each in schema["anyOf"]):
            yield f"{at}: fits none of anyOf"
        return
    kinds = schema.get("type")
    if kinds is not None:
        allowed = tuple(
            kind for name in ([kinds] if isinstance(kinds, str) else kinds) for kind in TYPES[name]
        )
        if not isinstance(data, allowed) or (isinstance(data, bool) and bool not in allowed):
            yield f"{at}: {data!r} is no {kinds}"
            return
    if "enum" in schema and data not in schema["enum"]:
        yield f"{at}: {data!r} is none of {schema['enum']}"
    if isinstance(data, str):
        if not schema.get("minLength", 0) <= len(data) <= schema.get("maxLength", len(data)):
            yield f"{at}: length {len(data)}"
        if "pattern" in schema and re.search(schema["pattern"], data) is None:
            yield f"{at}: {data!r} does not match"
    if isinstance(data, list):
        for number, each in enumerate(data):
            yield from _misfits(each, schema.get("items", {}), root, f"{at}[{number}]")
    if isinstance(data, dict):
        known = schema.get("properties", {})
        for name in schema.get("required", ()):
            if name not in data:
                yield f"{at}: {name} is missing"
        for name, value in data.items():
            rest = schema.get("additionalProperties", {})
            if name not in known and rest is False:
                yield f"{at}: {name} is not described"
                continue
            yield from _misfits(value, known.get(name, rest), root, f"{at}.{name}")
