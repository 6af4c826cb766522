"""Channels for rehearsals: what each platform can show, without the platform.

They take what Segue sends and keep it, as a phone would. What they can show is the table below,
so a dialog that reads well in a rehearsal by SMS reads well as an SMS.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from segue.channel import (
    Capabilities,
    Gateway,
    Outcome,
    Parsed,
    Payload,
    RawRequest,
    Refused,
    Route,
    Sent,
)
from segue.testing.faults import Arrived
from segue.types import Address, Invitation, Message, Proof, Row

CAPABILITIES: dict[str, Capabilities] = {
    "sms": Capabilities(proof=Proof.CLAIMED, text_limit=640, reserved_words=True),
    "telegram": Capabilities(
        buttons=24,
        button_label=60,
        text_limit=4096,
        markup=frozenset({"strong", "emphasis", "code", "link"}),
        images=True,
        typing=True,
        edits=True,
    ),
    "slack": Capabilities(
        buttons=25,
        button_label=75,
        text_limit=3000,
        markup=frozenset({"strong", "emphasis", "code", "link", "list"}),
        images=True,
        edits=True,
    ),
    "web": Capabilities(
        buttons=30,
        button_label=80,
        text_limit=20_000,
        markup=frozenset({"strong", "emphasis", "code", "link", "list"}),
        images=True,
        typing=True,
        receipts=True,
        push=False,
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivered:
    """One message as it reached the customer."""

    address: Address
    message: Message
    row: str


CHANNELS = ("web", "telegram", "slack", "sms")
"""For `@pytest.mark.parametrize("channel", CHANNELS)`; the one that shows most comes first."""


class StageChannel:
    """A channel that keeps what it is given to send."""

    def __init__(self, name: str, capabilities: Capabilities | None = None) -> None:
        self.name = name
        self.capabilities = capabilities or CAPABILITIES[name]
        self.delivered: list[Delivered] = []
        self.outcomes: list[Outcome] = []
        """Outcomes to report for the next sends, in order, instead of success."""

    def routes(self, gateway: Gateway) -> Sequence[Route]:
        """Return no paths: a rehearsal speaks to the gateway directly."""
        return ()

    def verify(self, request: RawRequest) -> Refused | None:
        """Refuse: nothing comes in by HTTP."""
        return Refused(status=403, why="rehearsal")

    def parse(self, request: RawRequest) -> Parsed | Refused:
        """Refuse: nothing comes in by HTTP."""
        return Refused(status=403, why="rehearsal")

    def build(self, message: Message) -> Payload:
        """Keep the message as it is."""
        return {"message": message}

    async def send(self, address: Address, payload: Payload, row: Row) -> Outcome:
        """Keep it, or report the outcome that the test asked for."""
        outcome = self.outcomes.pop(0) if self.outcomes else Sent(id=row.id)
        if isinstance(outcome, Sent | Arrived):
            self.delivered.append(
                Delivered(address=address, message=payload["message"], row=row.id)
            )
        return outcome

    def invite(self, token: str, code: str) -> Invitation:
        """Return the way to this stage, as the real channels have it."""
        match self.name:
            case "telegram":
                return Invitation(link=f"https://t.me/stage_bot?start={token}", number="@stage_bot")
            case "sms":
                return Invitation(number="+1 555 0100")
        return Invitation()

    async def start(self, gateway: Gateway) -> None:
        """Nothing runs beside."""

    async def stop(self) -> None:
        """Nothing to stop."""
