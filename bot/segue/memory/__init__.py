"""The memory: what is known of every customer, kept in Valkey or Redis."""

from segue.memory.apikeys import ApiKey
from segue.memory.audit import Audited, Verdict
from segue.memory.base import Limits
from segue.memory.checks import Finding, look_over
from segue.memory.opening import open_store
from segue.memory.records import (
    Admission,
    Busy,
    Claim,
    Commit,
    Committed,
    Consent,
    Dead,
    Duplicate,
    Erasing,
    Fenced,
    Flag,
    Full,
    Gone,
    Got,
    Granted,
    Idle,
    Lease,
    Letter,
    Merging,
    Moved,
    NotMine,
    Queued,
    Renewed,
    Snapshot,
)
from segue.memory.store import Store

__all__ = [
    "Admission",
    "ApiKey",
    "Audited",
    "Busy",
    "Claim",
    "Commit",
    "Committed",
    "Consent",
    "Dead",
    "Duplicate",
    "Erasing",
    "Fenced",
    "Finding",
    "Flag",
    "Full",
    "Gone",
    "Got",
    "Granted",
    "Idle",
    "Lease",
    "Letter",
    "Limits",
    "Merging",
    "Moved",
    "NotMine",
    "Queued",
    "Renewed",
    "Snapshot",
    "Store",
    "Verdict",
    "look_over",
    "open_store",
]
