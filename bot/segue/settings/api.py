"""Settings of the company's door: `[api]`."""

from __future__ import annotations

from pydantic import Field

from segue.settings.values import Section


class ApiSettings(Section):
    """How the company's own systems reach customers, and are told what happened."""

    rate: float = Field(
        default=20.0, gt=0, description="Requests a second of one key, in each process."
    )
    burst: int = Field(default=100, ge=1, description="How many may come at once.")
    once_hours: int = Field(
        default=48, ge=24, le=720, description="How long an `Idempotency-Key` is remembered."
    )
    issuer: str = Field(
        default="",
        description="The `iss` in the tokens of your site, so that its `sub` and an external id "
        "are one customer; empty: that of the web channel.",
    )
    new_addresses: bool = Field(
        default=False,
        description="May a system write to an address that has never written to us? It must name "
        "its basis of consent each time.",
    )
    silent_minutes: float = Field(
        default=30.0,
        ge=0,
        description="How long an open question must have been silent before a system's dialog "
        "begins beside it.",
    )
    private_webhooks: bool = Field(
        default=False,
        description="May webhooks go to hosts of a private network, and by `http`?",
    )
