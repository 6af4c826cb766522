"""What reached the customer: on the web the transcript, elsewhere what was sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from segue.engine.gateway import Core
from segue.testing.channels import CAPABILITIES, Delivered, StageChannel
from segue.types import CustomerId, Line, Message, Who
from segue.voice import plain


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """One message of the bot, as the customer saw it."""

    text: str
    buttons: tuple[tuple[str, str], ...] = ()
    """(id, label)."""
    reply: str = ""
    """`dialog/name` of the reply it came from."""
    channel: str = ""
    full: str = ""
    """As a channel that can show everything would have it, with its buttons."""
    offered: tuple[tuple[str, str], ...] = ()
    """Its choices, (id, label), however they were shown."""
    parts: int = 1
    """Into how many messages the reply was split; each of them is heard."""

    def __str__(self) -> str:
        """Return it as a script writes it."""
        return _written(self.text, self.buttons)


def _written(text: str, buttons: tuple[tuple[str, str], ...]) -> str:
    return " ".join([text, *(f"[{label}]" for _id, label in buttons)])


@dataclass(kw_only=True)
class Hearing:
    """Remembers how far the customer has listened."""

    channels: Mapping[str, StageChannel]
    cursor: int = -1
    lines: dict[str, Line] = field(default_factory=dict)
    """The bot's lines that were sent, by id."""
    taken: dict[str, int] = field(default_factory=dict)
    """How many deliveries of each channel were heard."""

    async def collect(self, core: Core, customer: CustomerId) -> list[Heard]:
        """Return what is new."""
        fresh: list[Line] = []
        while (page := await core.page(customer, after=self.cursor)).lines:
            self.cursor = page.cursor
            fresh += [line for _number, line in page.lines if line.who != Who.CUSTOMER]
        arrived: list[Delivered] = []
        for name, channel in self.channels.items():
            arrived += channel.delivered[self.taken.get(name, 0) :]
            self.taken[name] = len(channel.delivered)
        self.lines |= {line.id: line for line in fresh}
        new = {line.id for line in fresh}
        # First what was on its way since an earlier turn.
        heard = self._sent([one for one in arrived if _line_of(one) not in new])
        for line in fresh:
            if line.message is None:
                continue
            if not CAPABILITIES[line.channel].push:
                heard.append(_heard(line.message, line))
                continue
            heard += self._sent([one for one in arrived if _line_of(one) == line.id])
        return heard

    def _sent(self, arrived: list[Delivered]) -> list[Heard]:
        rows = {one.row for one in arrived}
        parts = Counter(row.partition(".")[0] for row in rows)
        return [
            _heard(one.message, self.lines[_line_of(one)], parts[_line_of(one)]) for one in arrived
        ]


def _line_of(one: Delivered) -> str:
    return one.row.partition(".")[0]


def _heard(message: Message, line: Line, parts: int = 1) -> Heard:
    assert line.message is not None
    offered = tuple((button.id, button.label) for button in line.message.buttons)
    return Heard(
        text=plain(message),
        buttons=tuple((button.id, button.label) for button in message.buttons),
        reply=line.reply,
        channel=line.channel,
        full=_written(plain(line.message), offered),
        offered=offered,
        parts=parts,
    )
