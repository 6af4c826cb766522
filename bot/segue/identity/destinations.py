"""Where a one-time code can go: a phone number or an e-mail address, read, named and masked."""

from __future__ import annotations

import phonenumbers
from msgspec import Struct

from segue.types import Address

EMAIL = "email"
"""The channel of an e-mail address that a code goes to. No adapter need be there for it."""


class Destination(Struct, frozen=True, kw_only=True):
    """Where a code goes, and how that is shown to somebody who may not be its owner."""

    address: Address
    shown: str


def destination_of(text: str, *, region: str = "") -> Destination | None:
    """Return the phone number or e-mail address that a text is, or None.

    `region` (`DE`) is for numbers written without their country.
    """
    said = text.strip()
    if "@" in said:
        from email_validator import EmailNotValidError, validate_email

        try:
            valid = validate_email(said, check_deliverability=False).normalized
        except EmailNotValidError:
            return None
        return shown_as(Address(EMAIL, valid))
    try:
        number = phonenumbers.parse(said, region or None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return shown_as(Address("sms", written))


def shown_as(address: Address) -> Destination:
    """Return a destination, masked: enough to know one's own by, too little to learn another's."""
    return Destination(address=address, shown=masked(address.id))


def masked(ident: str) -> str:
    """Return the end of a phone number, or the beginning and the domain of an e-mail address."""
    name, at, domain = ident.partition("@")
    if at:
        return f"{name[:1]}…@{domain}"
    return f"…{ident[-2:]}" if len(ident) > 4 else "…"
