"""An e-mail address: found by its shape, checked without asking the network."""

from __future__ import annotations

import regex

from segue.slots.base import Nearly, NoValue, Slot, SlotContext, SlotReading, Value
from segue.slots.tidy import LONGEST

_SHAPE = regex.compile(r"(?<![\p{L}\d._%+\-])[\p{L}\d._%+'\-]+@[\p{L}\d\-]+(?:\.[\p{L}\d\-]+)+")
_SPOKEN = (
    (regex.compile(r"\s*[\[({]?\b(?:at|ät|klammeraffe)\b[\])}]?\s*", regex.IGNORECASE), "@"),
    (regex.compile(r"\s*[\[({]?\b(?:dot|punkt)\b[\])}]?\s*", regex.IGNORECASE), "."),
)
_SPACED = regex.compile(r"\s*([@.])\s*")

_COMMON = (
    "gmail.com", "googlemail.com", "yahoo.com", "yahoo.de", "yahoo.co.uk", "hotmail.com",
    "hotmail.de", "hotmail.co.uk", "outlook.com", "outlook.de", "live.com", "icloud.com", "me.com",
    "aol.com", "proton.me", "protonmail.com", "web.de", "gmx.de", "gmx.net", "gmx.at", "gmx.ch",
    "t-online.de", "freenet.de", "posteo.de", "mail.com", "msn.com",
)  # fmt: skip
_REAL = frozenset({*_COMMON, "ymail.com", "gmx.com", "mail.de", "email.de", "gmx.eu", "email.com"})
"""Domains that are near a common one and nevertheless meant."""


def _parse(text: str, _context: SlotContext) -> SlotReading[str]:
    said = text[:LONGEST]
    found = _valid(said)
    if not found and "@" in said:
        found = _valid(_SPACED.sub(r"\1", said))
    if not found and "@" not in said:
        spoken = said
        for pattern, sign in _SPOKEN:
            spoken = pattern.sub(sign, spoken)
        found = _valid(spoken)
    if len(found) > 1:
        return Nearly(values=tuple(found[:4]), labels=tuple(found[:4]))
    if not found:
        return NoValue()
    meant = _meant(found[0])
    if meant is not None:
        return Nearly(values=(meant, found[0]), labels=(meant, found[0]))
    return Value(found[0])


def _find(text: str, _context: SlotContext) -> str | None:
    found = _valid(text[:LONGEST])
    return found[0] if len(found) == 1 and _meant(found[0]) is None else None


def _valid(text: str) -> list[str]:
    """Return the addresses in a text that could receive mail, each once."""
    shaped = [match.group().strip("'.") for match in _SHAPE.finditer(text)]
    if not shaped:
        return []
    from email_validator import EmailNotValidError, validate_email

    valid: list[str] = []
    for address in shaped:
        try:
            checked = validate_email(address, check_deliverability=False)
        except EmailNotValidError:
            continue
        domain = checked.domain.lower()
        valid.append(f"{checked.local_part}@{domain}")
    return list(dict.fromkeys(valid))


def _meant(address: str) -> str | None:
    """Return the address that was probably meant: gmail.com for gmial.com."""
    from rapidfuzz.distance import OSA

    local, _, domain = address.rpartition("@")
    if domain in _REAL:
        return None
    for common in _COMMON:
        near = 1 if len(common) < 9 else 2
        if domain[0] == common[0] and OSA.distance(domain, common, score_cutoff=near) <= near:
            if len(common) < 7 and domain.rpartition(".")[2] != common.rpartition(".")[2]:
                continue
            return f"{local}@{common}"
    return None


Email: Slot[str] = Slot(
    name="email", type=str, parse=_parse, find=_find, example="ada@example.com", sensitive=True
)
"""An e-mail address. A domain that is nearly a common one is asked back."""
