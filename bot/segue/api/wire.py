"""What goes over the wire: the bodies of requests and answers.

Requests refuse fields they do not know, so a typing error is told and not ignored. New fields of
answers may come at any time. Names of fields never change; docs/api.md and the OpenAPI description
are checked against these types.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Name = Annotated[str, Meta(min_length=1, max_length=100)]
Words = Annotated[str, Meta(max_length=2000)]
FactName = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,63}$")]
Facts = Annotated[dict[FactName, Any], Meta(max_length=100)]


class Request(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all bodies that come in."""


class StartDialog(Request, frozen=True, kw_only=True):
    """Start a dialog with a customer."""

    customer: Annotated[str, Meta(min_length=1, max_length=300)]
    """Your own id of the customer; or `segue:ID`; or an address, `sms:+436601234567`."""
    dialog: Name
    values: dict[str, Any] = {}
    """What the dialog's function takes beside `chat`."""
    channel: Annotated[str, Meta(max_length=40)] = ""
    """Only there; else where the customer wrote last, or another way to reach them."""
    address: Annotated[str, Meta(max_length=300)] = ""
    """An address of theirs that has never written to us; needs `consent`."""
    consent: Annotated[str, Meta(max_length=200)] = ""
    """By what right you write to it: `order form, 3 May 2026`. Kept in the audit."""


class TellCustomer(Request, frozen=True, kw_only=True):
    """Tell what the company knows of a customer."""

    facts: Facts = {}
    """Name and value; null takes back what the company said before."""
    name: Annotated[str, Meta(max_length=200)] = ""
    locale: Annotated[str, Meta(max_length=40)] = ""
    correct: list[FactName] = []
    """Facts that also replace what the customer has said, unless they have proved it."""
    at: datetime | None = None
    """When the company learned it; an older word does not replace a newer one. Now, if missing."""


class Touchpoint(Request, frozen=True, kw_only=True):
    """A phone call, or a visit to a shop."""

    channel: Literal["phone", "shop"]
    at: datetime
    summary: Words = ""
    wanted: Words = ""
    """What the customer wanted."""
    promised: Words = ""
    """What they were promised."""
    by: Annotated[str, Meta(max_length=100)] = ""
    """Who spoke with them."""
    facts: Facts = {}
    """What was learned: the bot does not ask for it again."""


class Answer(Struct, frozen=True, kw_only=True):
    """Base of all bodies that go out."""


class Accepted(Answer, frozen=True, kw_only=True):
    """It is stored, and will be done."""

    id: str
    """Of what was accepted; webhooks name it."""
    customer: str
    """Segue's id of the customer."""


class Error(Answer, frozen=True, kw_only=True):
    """Why it was not done, in a sentence."""

    error: str
    code: str = ""
    """One of a list that only grows: see docs/api.md."""


class Known(Answer, frozen=True, kw_only=True):
    """One fact, and where it was learned."""

    value: Any
    source: str
    """`company`, `signed in`, or the dialog that asked."""
    channel: str
    at: datetime


class Reachable(Answer, frozen=True, kw_only=True):
    """One way to reach the customer."""

    channel: str
    proof: str
    """`claimed`, `channel` or `verified`."""
    opted_out: bool


class Waiting(Answer, frozen=True, kw_only=True):
    """A dialog of yours that has not begun yet."""

    id: str
    dialog: str
    at: datetime
    """When it is tried next."""


class Customer(Answer, frozen=True, kw_only=True):
    """What is known of a customer. No words of theirs, no phone number."""

    customer: str
    name: str
    locale: str
    profile: dict[str, Known]
    channels: list[Reachable]
    answered_by: str
    """`bot`, or the agent who has taken over."""
    dialog: str
    """The one that is open, or empty."""
    waiting: list[Waiting]
