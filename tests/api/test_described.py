"""The OpenAPI description is what is served: real answers fit its schemas, and docs name it all."""

from __future__ import annotations

import re
from typing import Any

import pytest

from segue.api.openapi import statuses
from segue.api.routes import ENDPOINTS
from segue.types import Address

from .conftest import PHONE, Company
from .schema import misfits


@pytest.fixture
async def description(company: Company) -> dict[str, Any]:
    """As anybody gets it."""
    status, said = await company.call("GET", "/api/openapi.json", key="")
    assert status == 200
    return said


def schema_of(description: dict[str, Any], name: str, status: int) -> Any:
    for path in description["paths"].values():
        for operation in path.values():
            if operation["operationId"] == name:
                return operation["responses"][str(status)]["content"]["application/json"]["schema"]
    raise AssertionError(name)


async def test_it_is_openapi_31_and_whole(description: dict[str, Any]) -> None:
    """Every reference leads somewhere; every route is there, with its scope and its statuses."""
    assert description["openapi"] == "3.1.0"
    for reference in re.findall(r"'\$ref': '([^']+)'", str(description)):
        place: Any = description
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]
        assert place
    for one in ENDPOINTS:
        operation = description["paths"][one.path][one.method.lower()]
        assert operation["operationId"] == one.name
        assert set(operation["responses"]) == {str(status) for status in statuses(one)}
        in_path = [p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"]
        assert in_path == re.findall(r"{(\w+)}", one.path)


async def test_real_answers_fit_it(company: Company, description: dict[str, Any]) -> None:
    """Requests and answers of each route, good and bad, are as they are described."""
    customer = await company.customer(Address("sms", PHONE))
    touch = {"channel": "shop", "at": "2026-05-04T08:00:00Z", "summary": "Tried shoes."}
    start = {"customer": f"sms:{PHONE}", "dialog": "shipped", "values": {"order": "A1001"}}
    facts = {"facts": {"size": 42}, "name": "Ada"}
    here = f"/api/customers/segue:{customer}"
    calls: list[tuple[str, str, str, Any, int]] = [
        ("start_dialog", "POST", "/api/dialogs", start, 202),
        ("start_dialog", "POST", "/api/dialogs", {**start, "dialog": "x"}, 404),
        ("start_dialog", "POST", "/api/dialogs", {**start, "values": {}}, 422),
        ("tell_customer", "POST", here, facts, 202),
        ("add_touchpoint", "POST", f"{here}/touchpoints", touch, 202),
        ("add_touchpoint", "POST", f"{here}/touchpoints", {}, 422),
        ("show_customer", "GET", here, None, 200),
        ("show_customer", "GET", "/api/customers/nobody", None, 404),
    ]
    for name, method, path, body, expected in calls:
        status, said = await company.call(method, path, body)
        assert status == expected, (name, said)
        assert not misfits(said, schema_of(description, name, status), description), name
        operation = next(
            each
            for where in description["paths"].values()
            for each in where.values()
            if each["operationId"] == name
        )
        if body is not None and status == 202:
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            assert not misfits(body, schema, description), name


async def test_every_status_that_is_answered_is_described(
    company: Company, description: dict[str, Any]
) -> None:
    """The statuses of hostile requests are in the description too."""
    described = set(description["paths"]["/api/dialogs"]["post"]["responses"])
    found = set()
    for more in (
        {"data": b"{", "headers": {"Content-Type": "application/json"}},
        {"data": b"{}", "headers": {"Content-Type": "text/plain"}},
        {"json": {}, "key": ""},
        {"json": {}, "key": await company.make_key("reader", "customers:read")},
        {"json": {}},
    ):
        found.add(str((await company.call("POST", "/api/dialogs", **more))[0]))
    assert found == {"400", "415", "401", "403", "422"}
    assert found <= described
