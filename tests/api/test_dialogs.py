"""`POST /api/dialogs`: accepted means that it begins, once, where it may."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from segue.memory import Consent
from segue.types import Address, Inbound, Proof

from .conftest import PHONE, Company, Opening

SMS = Address("sms", PHONE)
SHIPPED = "Your order A1001 is on its way, 2 days."


async def test_a_customer_is_written_to(company: Company) -> None:
    """A system names the customer by an address they have written from."""
    customer = await company.customer(SMS)
    status, said = await company.start(f"sms:{PHONE}")
    assert (status, said["customer"]) == (202, customer)
    assert await company.heard() == [SHIPPED]
    assert [one.address for one in company.bot.channels["sms"].delivered] == [SMS]


async def test_a_customer_is_named_by_segues_id_or_the_companys_own(company: Company) -> None:
    """All three names mean the same customer."""
    customer = await company.customer(Address("telegram", "t1"))
    await company.store.add_address(customer, Address("web-user", "/shop-17"), Proof.VERIFIED)
    for name in ("shop-17", "external:shop-17", f"segue:{customer}", "telegram:t1"):
        assert (await company.start(name))[1]["customer"] == customer, name
    assert await company.heard() == [SHIPPED] * 4


async def test_the_same_request_again_is_done_once(company: Company) -> None:
    """With an idempotency key a retry gets the same answer and does nothing more."""
    await company.customer(SMS)
    first = await company.start(f"sms:{PHONE}", once="parcel-1")
    assert await company.heard() == [SHIPPED]
    assert await company.start(f"sms:{PHONE}", once="parcel-1") == first
    assert await company.heard() == []
    assert (await company.start(f"sms:{PHONE}", once="parcel-2"))[1]["id"] != first[1]["id"]


async def test_requests_that_race_are_done_once(company: Company) -> None:
    """Twenty copies at once: one dialog, one answer."""
    await company.customer(SMS)
    answers = await asyncio.gather(
        *(company.start(f"sms:{PHONE}", once="parcel-1") for _ in range(20))
    )
    assert {(status, said["id"]) for status, said in answers} == {(202, answers[0][1]["id"])}
    assert await company.heard() == [SHIPPED]


async def test_another_body_under_the_same_key_is_refused(company: Company) -> None:
    """A key that was used for something else is a mistake of the client, and says so."""
    await company.customer(SMS)
    await company.start(f"sms:{PHONE}", once="parcel-1")
    status, said = await company.start(f"sms:{PHONE}", values={"order": "B1"}, once="parcel-1")
    assert (status, said["code"]) == (409, "idempotency_conflict")
    other = await company.make_key("other", "dialogs")
    body = {"customer": f"sms:{PHONE}", "dialog": "shipped", "values": {"order": "B1"}}
    status, _ = await company.call("POST", "/api/dialogs", body, once="parcel-1", key=other)
    assert status == 202, "keys of another system are its own"


async def test_a_refused_request_may_be_mended(company: Company) -> None:
    """What was not accepted does not use up its idempotency key."""
    await company.customer(SMS)
    assert (await company.start(f"sms:{PHONE}", dialog="shiped", once="p1"))[0] == 404
    assert (await company.start(f"sms:{PHONE}", once="p1"))[0] == 202


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"dialog": "gone"}, 404, "no_dialog"),
        ({"values": {}}, 422, "values"),
        ({"values": {"order": "A1", "colour": "red"}}, 422, "values"),
        ({"values": {"order": 7}}, 422, "values"),
        ({"values": {"order": "A1", "days": "soon"}}, 422, "values"),
        ({"values": {"order": "x" * 20_000}}, 422, "values"),
        ({"channel": "pigeon"}, 422, "no_channel"),
        ({"channel": "telegram"}, 422, "unreachable"),
        ({"customer": "nobody-known"}, 404, "no_customer"),
        ({"customer": "segue:" + "a" * 22}, 404, "no_customer"),
        ({"customer": "segue:../../etc"}, 404, "no_customer"),
        ({"customer": "sms:0660"}, 422, "address"),
        ({"customer": ""}, 422, "body"),
        ({"customer": "a\nb"}, 422, "customer"),
        ({"colour": "red"}, 422, "body"),
    ],
)
async def test_what_can_never_begin_is_refused_with_a_sentence(
    company: Company, body: dict[str, Any], status: int, code: str
) -> None:
    """The sentence says what is wrong; nothing is stored."""
    await company.customer(SMS)
    found, said = await company.start(**{"customer": f"sms:{PHONE}", **body})
    assert (found, said["code"]) == (status, code), said
    assert said["error"].endswith(".")
    assert await company.heard() == []


async def test_nobody_who_opted_out_is_written_to(company: Company) -> None:
    """STOP holds for systems too."""
    customer = await company.customer(SMS)
    stop = Inbound(address=SMS, message_id="m1", text="STOP")
    await company.store.admit(customer, stop, consent=Consent.STOP)
    status, said = await company.start(f"sms:{PHONE}")
    assert (status, said["code"]) == (422, "unreachable")


# -- addresses that have never written to us -------------------------------------------------------


async def test_an_unknown_address_is_not_written_to(company: Company) -> None:
    """Unless a setting allows it, whatever the request says."""
    status, said = await company.start("shop-17", address=f"sms:{PHONE}", consent="order form")
    assert (status, said["code"]) == (403, "new_address")


async def test_an_unknown_address_needs_a_basis_of_consent(open_company: Opening) -> None:
    """Allowed by the setting, the basis is named each time and kept in the audit."""
    company = await open_company(api={"new_addresses": True})
    status, said = await company.start("shop-17", address=f"sms:{PHONE}")
    assert (status, said["code"]) == (422, "consent")
    status, said = await company.start(
        "shop-17", address=f"sms:{PHONE}", consent="order form, 3 May 2026"
    )
    assert status == 202
    company.bot.customer = said["customer"]
    assert await company.heard() == [SHIPPED]
    [row] = await company.store.audited(customer=said["customer"])
    assert (row.action, row.actor) == ("consent.named", "key:shop")
    assert row.details["basis"] == "order form, 3 May 2026"
    assert PHONE not in str(row)
    snapshot = await company.store.snapshot(said["customer"])
    assert snapshot is not None
    assert (SMS, Proof.CLAIMED) in snapshot.addresses
    assert (await company.start("shop-17"))[1]["code"] == "unreachable", "it is only claimed"
    named = {"address": f"sms:{PHONE}"}
    assert (await company.start("shop-17", **named))[1]["code"] == "consent", "each time"
    assert (await company.start("shop-17", **named, consent="call of today"))[0] == 202
    await company.store.raise_proof(said["customer"], SMS, Proof.CHANNEL)
    assert (await company.start("shop-17", **named))[0] == 202, "it is theirs now"


async def test_an_address_of_somebody_else_is_not_taken(open_company: Opening) -> None:
    """T14: naming an address joins nobody: who has it must prove who they are."""
    company = await open_company(api={"new_addresses": True})
    theirs = await company.customer(SMS)
    status, said = await company.start("shop-17", address=f"sms:{PHONE}", consent="x")
    assert (status, said["code"]) == (409, "address_taken")
    snapshot = await company.store.snapshot(theirs)
    assert snapshot is not None
    assert [address for address, _ in snapshot.addresses] == [SMS]
