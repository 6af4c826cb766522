"""Every kind of key, and what becomes of it: in an export, in an erasure, with time.

A kind that is not here fails a test: whoever adds a key says first what it holds of a customer, and
how that goes away.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_CUSTOMER = r"\{\d+\}:c:[A-Za-z0-9_-]{1,64}"
_THEIRS = "deleted"
_IDS = "ends by itself; holds ids that point nowhere then"
_NOBODY = "nothing of a customer"


class Family(NamedTuple):
    """One kind of key, named as in `keys.py`."""

    name: str
    pattern: str
    """Of the key, after `store.prefix`."""
    export: str
    """Where it is found in an export, or why it is not."""
    erase: str
    """What an erasure does with it."""
    ends: str
    """The setting, or what else ends it."""


def _customer(suffix: str, export: str, ends: str = "store.retention_days") -> Family:
    part = f":{suffix}" if suffix else ""
    return Family("{n}:c:ID" + part, _CUSTOMER + part, export, _THEIRS, ends)


FAMILIES = (
    Family(
        "{n}:c:ID",
        _CUSTOMER,
        "profile.json, addresses.json, conversation.json",
        "deleted; a mark without words stays 30 days, so that nothing late brings them back",
        "store.retention_days",
    ),
    _customer("in", "conversation.json"),
    _customer("log", "transcript", "store.transcript_days"),
    _customer("old", "transcript", "store.transcript_days"),
    _customer("out", "conversation.json"),
    _customer("got", "transcript.json, delivery", "30 days"),
    _customer("seen", "digests of messages: nothing to read", "store.seen_days"),
    _customer("consent", "consent.json"),
    _customer("join", "lines on their way, in the transcript afterwards", "a day"),
    _customer("undo", "who they were before a merge: nothing that is not elsewhere", "undo_hours"),
    _customer("was", "the same", "identity.undo_hours"),
    Family("{n}:due", r"\{\d+\}:due", "no", "taken out", "when done"),
    Family("{n}:dead", r"\{\d+\}:dead", "no", "taken out, the rest anew", "store.dead_letter_days"),
    Family(
        "{n}:events", r"\{\d+\}:events", "no: names and counts", "taken out", "store.event_days"
    ),
    Family("id:DIGEST", r"id:[\w-]{22}", "addresses.json", _THEIRS, "store.retention_days"),
    Family("bucket:{CH}:DIGEST", r"bucket:\{.+\}:[\w-]+", "no", _NOBODY, "minutes"),
    Family("sent:DIGEST", r"sent:[\w-]+", "no", _IDS, "7 days"),
    Family("tide:CHANNEL", r"tide:.+", "no", _NOBODY, "30 days"),
    Family("lease:JOB", r"lease:.+", "no", _NOBODY, "seconds"),
    Family(
        "{audit}", r"\{audit\}", "audit.json", "the line about it stays: ids", "store.audit_days"
    ),
    Family("{audit}:head", r"\{audit\}:head", "no", _NOBODY, "store.audit_days"),
    Family("{codes}", r"\{codes\}:(code|mine|sent|wrong):.+", "no: digests", _IDS, "a day"),
    Family("{spend}", r"\{spend\}:(day|number|prefix|country):.+", "no: digests", _IDS, "a day"),
    Family("paused", "paused", "no", _NOBODY, "when unpaused"),
    Family("api-keys", "api-keys", "no", _NOBODY, "when revoked"),
    Family("api-keys:used", "api-keys:used", "no", _NOBODY, "400 days"),
    Family("once:DIGEST", r"once:.+", "no", _IDS, "api.once_hours"),
    Family("webhooks", "webhooks", "no", _NOBODY, "when removed"),
    Family("{hook:NAME}", r"\{hook:.+\}:(rows|line|at|parked|past)", "no", _IDS, "100 days"),
    Family("meta", "meta", "no", _NOBODY, "never"),
)


def family(key: str) -> Family | None:
    """Return the kind of a key, given without its prefix; None if nobody has said what it is."""
    return next((one for one in FAMILIES if re.fullmatch(one.pattern, key)), None)
