"""Who may call what: every route with every kind of key. Deny by default (T30)."""

from __future__ import annotations

import re

import pytest

from segue.api.declaring import PUBLIC, Endpoint
from segue.api.routes import ENDPOINTS
from segue.api.scopes import SCOPES
from segue.types import Address

from .conftest import PHONE, Company, Opening

CLOSED = [one for one in ENDPOINTS if one.scope != PUBLIC]


def path(one: Endpoint) -> str:
    return re.sub(r"{\w+}", "shop-17", one.path)


def test_every_route_says_which_scope_opens_it() -> None:
    """A scope that exists, or public, which only the description of the API is."""
    assert [one.path for one in ENDPOINTS if one.scope == PUBLIC] == ["/api/openapi.json"]
    assert {one.scope for one in CLOSED} == set(SCOPES)


async def test_no_path_under_api_is_served_that_is_not_declared(company: Company) -> None:
    """What answers below /api is in the table, with its scope."""
    declared = {(one.method, one.path) for one in ENDPOINTS}
    served = {
        (route.method, route.resource.canonical)
        for route in company.server.app.router.routes()
        if route.resource is not None and route.resource.canonical.startswith("/api")
    }
    assert {(method, where) for method, where in served if method != "HEAD"} == declared


@pytest.mark.parametrize("one", CLOSED, ids=lambda one: one.name)
async def test_only_its_scope_opens_a_route(company: Company, one: Endpoint) -> None:
    """Each scope alone, all but the right one, none, a wrong key, no key."""
    body = {} if one.body else None
    for scope in SCOPES:
        key = await company.make_key(scope.replace(":", "-"), scope)
        status, said = await company.call(one.method, path(one), body, key=key)
        if scope == one.scope:
            assert status not in (401, 403), said
        else:
            assert (status, said["code"]) == (403, "scope"), scope
    rest = await company.make_key("rest", *(scope for scope in SCOPES if scope != one.scope))
    assert (await company.call(one.method, path(one), body, key=rest))[0] == 403
    for key in ("", "segue_" + "x" * 43, company.key[:-1], company.key + "k"):
        status, said = await company.call(one.method, path(one), body, key=key)
        assert (status, said["code"]) == (401, "unknown_key" if key else "no_key"), key


@pytest.mark.parametrize("one", CLOSED, ids=lambda one: one.name)
async def test_a_key_comes_in_its_header_alone(company: Company, one: Endpoint) -> None:
    """Never in an address, which ends up in logs; never as a user and password."""
    body = {} if one.body else None
    status, _ = await company.call(
        one.method, f"{path(one)}?key={company.key}&access_token={company.key}", body, key=""
    )
    assert status == 401
    for value in ("Bearer", f"Basic {company.key}", company.key, f"Bearer\t{company.key}x"):
        headers = {"Authorization": value}
        status, _ = await company.call(one.method, path(one), body, key="", headers=headers)
        assert status == 401, value


async def test_a_revoked_key_opens_nothing(company: Company) -> None:
    """From that moment on."""
    assert (await company.start("nobody"))[0] == 404
    await company.store.revoke_api_key("shop")
    assert (await company.start("nobody"))[0] == 401


async def test_each_key_has_its_own_rate(open_company: Opening) -> None:
    """One system that runs wild does not keep the others out."""
    company = await open_company(api={"rate": 1, "burst": 3})
    other = await company.make_key("other", "dialogs")
    found = [(await company.start("nobody"))[0] for _ in range(5)]
    assert found == [404, 404, 404, 429, 429]
    body = {"customer": "nobody", "dialog": "shipped", "values": {"order": "A1"}}
    assert (await company.call("POST", "/api/dialogs", body, key=other))[0] == 404
    company.bot.clock.move(2)
    assert [(await company.start("nobody"))[0] for _ in range(3)] == [404, 404, 429]


async def test_no_key_no_number_and_no_fact_is_logged(
    company: Company, caplog: pytest.LogCaptureFixture
) -> None:
    """T33: canaries through good and bad requests; none in any record, whatever its level."""
    caplog.set_level(0)
    customer = await company.customer(Address("sms", PHONE))
    canary = "canary-8f3a6f"
    touch = {"channel": "phone", "at": "2026-05-04T08:00:00Z", "summary": canary}
    await company.start(f"sms:{PHONE}", values={"order": canary})
    await company.start(f"sms:{PHONE}", values={"order": 1})
    await company.start(f"sms:{PHONE}x", values={"order": canary})
    await company.call("POST", f"/api/customers/segue:{customer}", {"facts": {"mark": canary}})
    await company.call("POST", f"/api/customers/segue:{customer}/touchpoints", touch)
    await company.call("GET", f"/api/customers/segue:{customer}")
    await company.start("nobody", key="segue_wrong-key-canary")
    await company.bot.settle()
    written = "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    for secret in (canary, PHONE, company.key, "segue_wrong-key-canary"):
        assert secret not in written
