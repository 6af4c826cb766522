"""The store's limits as they are set."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from segue.memory.base import Limits

if TYPE_CHECKING:
    from segue.settings.model import Settings


def store_limits(settings: Settings) -> Limits:
    """Return what the store is told with every call."""
    store = settings.store
    return Limits(
        lease=timedelta(seconds=store.lease_seconds),
        retention=timedelta(days=store.retention_days),
        transcript=timedelta(days=store.transcript_days or store.retention_days),
        events=timedelta(days=store.event_days),
        dead=timedelta(days=store.dead_letter_days),
        seen=timedelta(days=store.seen_days),
        inbox=store.inbox_limit,
        audit=timedelta(days=store.audit_days),
        tries=store.max_attempts,
    )
