"""What the bot says in one turn: replies rendered for this channel, as transcript lines and rows.

- Nothing is said that is not a reply of the voice (law 4).
- The first words on each channel are the disclosure: that this is an automated assistant.
- The same reply twice in a row has another wording, if the writers gave one.
- What needs proof is not rendered for an address below its level, whoever asks for it.
- A turn may also speak on another address of the customer: in that channel's form, with its own
  disclosure, in the same transcript.
- Row ids are made from turn and position, so that the same turn makes the same rows.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import msgspec
from msgspec import Struct, field

from segue.channel import Capabilities
from segue.engine.state import State
from segue.errors import VoiceError
from segue.types import Address, Button, Line, Message, Millis, Proof, Purpose, Row, Who
from segue.voice import CustomerView, Rendered, Voice, degrade
from segue.voice.values import plain_data

log = logging.getLogger("segue.engine")
_encode = msgspec.msgpack.Encoder().encode


class Speech(Struct, kw_only=True):
    """Collects one turn's words. `flushed` words are already in the store (progress)."""

    voice: Voice
    state: State
    customer: str
    address: Address
    capabilities: Capabilities
    at: Millis
    contact: Mapping[str, Any] = field(default_factory=dict)
    """Values of the reply that is said where another one failed."""
    life: Millis = 0
    """How long a row may wait before it is not worth sending; 0 is for ever."""
    first_life: Millis = 0
    """The same where we write first."""
    purpose: Purpose = Purpose.ANSWER
    """Why this turn speaks."""
    lines: list[Line] = field(default_factory=list)
    """Lines of the transcript that are not stored yet: the customer's, then the bot's."""
    spoken: list[Line] = field(default_factory=list)
    """All lines of this turn, stored or not."""
    said: int = 0
    """How many of `lines`, from the end, are the bot's."""
    rows: list[Row] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    """Everything said in this turn, stored or not."""
    replies: list[str] = field(default_factory=list)
    problems: list[VoiceError] = field(default_factory=list)
    """Replies that could not be said."""
    channels: Mapping[str, Capabilities] = field(default_factory=dict)
    """What the other channels can show."""
    standing: Callable[[Address], Proof] = lambda _address: Proof.VERIFIED
    """How sure it is that an address is the customer's."""
    levels: list[Proof] = field(default_factory=list)
    """What each of `messages` requires."""
    _count: int = 0

    def heard(self, line: Line) -> None:
        """Add a line that is not the bot's; all of these come before the bot speaks."""
        self.lines.append(line)
        self.spoken.append(line)

    def turn_to(self, address: Address, capabilities: Capabilities) -> None:
        """Say what follows at another address of the customer's."""
        self.address, self.capabilities = address, capabilities

    def has(self, reply: str, dialog: str = "") -> bool:
        """Whether the voice can say this, in any locale."""
        return self.voice.has(reply, dialog=dialog)

    def render(self, reply: str, dialog: str, values: Mapping[str, Any]) -> Rendered:
        """Render without saying it."""
        return self.voice.render(
            reply,
            dialog=dialog,
            locale=self.state.locale,
            channel=self.address.channel,
            values=values,
            customer=CustomerView(
                name=self.state.name or None,
                locale=self.state.locale,
                channel=self.address.channel,
            ),
            seed=f"{self.customer}{self.state.turn}",
            avoid=self.state.wordings.get(reply, -1),
        )

    def say(
        self,
        reply: str,
        *,
        dialog: str = "",
        values: Mapping[str, Any] | None = None,
        buttons: tuple[Button, ...] = (),
        lead: str = "",
        once: bool = False,
        late: bool = False,
        address: Address | None = None,
        require: Proof = Proof.CLAIMED,
    ) -> Message:
        """Say a reply. `buttons` are added where the reply brings none of its own.

        `lead` is a reply that leads to it, in the same message ("And now to your return again:").
        `once`: it is not sent again where nobody knows whether it arrived. `late`: it says that
        others came too late, and may itself wait for a day.
        `address` says it on another address of the customer. Where the address is below `require`,
        a reply that says so takes its place.
        """
        if address is not None and address != self.address:
            with self._elsewhere(address):
                return self.say(
                    reply, dialog=dialog, values=values, buttons=buttons, once=once, require=require
                )
        if require > self.standing(self.address):
            return self.unproved()
        self._disclose()
        try:
            rendered = self.render(reply, dialog, values or _NOTHING)
        except VoiceError as error:
            self.problems.append(error)
            log.error(
                "reply_failed",
                extra={
                    "segue": {
                        "customer": self.customer,
                        "reply": reply,
                        "dialog": dialog,
                        "where": f"{error.file}:{error.line}",
                    }
                },
            )
            if reply == FALLBACK:
                # `segue check` and /readyz refuse a voice without it; there is nothing left to say.
                return _SILENCE
            return self.say(FALLBACK, values=self.contact)
        message = rendered.message
        if buttons and not message.buttons:
            message = msgspec.structs.replace(message, buttons=buttons)
        self._keep(
            message,
            rendered.reply,
            rendered.version,
            lead=lead,
            require=require,
            values=values,
            once=once,
            late=late,
        )
        if rendered.wordings > 1:
            self._remember_wording(reply, rendered.variant)
        return message

    def _remember_wording(self, reply: str, variant: int) -> None:
        """Note what was said last, of the replies that could have been said otherwise."""
        wordings = self.state.wordings
        wordings.pop(reply, None)
        wordings[reply] = variant
        if len(wordings) > _WORDINGS:
            del wordings[next(iter(wordings))]

    def say_again(self, messages: tuple[Message, ...], *, require: Proof = Proof.CLAIMED) -> None:
        """Repeat messages as they were, where the address may hear them."""
        if require > self.standing(self.address):
            self.unproved()
            return
        for message in messages:
            self._keep(message, "", self.voice.version, require=require)

    def say_secret(
        self,
        reply: str,
        *,
        dialog: str,
        values: Mapping[str, Any],
        secret: str,
        to: Address,
        until: Millis,
    ) -> bool:
        """Send a reply with a secret value to an address, which need not be the customer's yet.

        The transcript keeps it with dots for the value named `secret`, for it is read on other
        channels too. False: this channel's customers would read it from the transcript.
        """
        capabilities = self.channels.get(to.channel)
        if capabilities is None or not capabilities.push:
            return False
        with self._elsewhere(to):
            try:
                sent = self.render(reply, dialog, values)
                kept = self.render(reply, dialog, {**values, secret: _DOTS})
            except VoiceError as error:
                self.problems.append(error)
                return False
            self._count += 1
            identity = f"{self.state.turn}-{self._count}"
            self._write(kept.message, kept.reply, kept.version, identity)
            for row in self._rows(sent.message, kept.reply, identity):
                self.rows.append(
                    msgspec.structs.replace(
                        row, purpose=Purpose.CODE, repeat=False, expires_at=until, priority=1
                    )
                )
        return True

    @contextmanager
    def _elsewhere(self, address: Address) -> Iterator[None]:
        """Speak there for a moment. What is said there is not what "say that again" means here."""
        here, capabilities, said = self.address, self.capabilities, len(self.messages)
        self.address = address
        self.capabilities = self.channels.get(address.channel, _CANNOT_SHOW)
        try:
            yield
        finally:
            self.address, self.capabilities = here, capabilities
            del self.messages[said:]
            del self.levels[said:]

    def unproved(self) -> Message:
        """Say that this is only told to somebody who has proved who they are."""
        if self.has(UNPROVED):
            return self.say(UNPROVED)
        return self.say("person", values=self.contact)

    def notice(self, reply: str, values: Mapping[str, Any]) -> None:
        """Say what law or carrier demands, if the voice has it; opted out or not."""
        if not self.has(reply):
            return
        rendered = self.render(reply, "", values)
        self._count += 1
        identity = f"{self.state.turn}-{self._count}"
        self.replies.append(rendered.reply)
        self._write(rendered.message, rendered.reply, rendered.version, identity, notice=True)
        if self.capabilities.push:
            for row in self._rows(rendered.message, rendered.reply, identity, once=True):
                self.rows.append(msgspec.structs.replace(row, purpose=Purpose.NOTICE))

    def _disclose(self) -> None:
        channel = self.address.channel
        if channel in self.state.disclosed:
            return
        self.state.disclosed.append(channel)
        if self.voice.has("disclosure", dialog=""):
            rendered = self.render("disclosure", "", {})
            self._keep(rendered.message, rendered.reply, rendered.version)

    def _led(self, lead: str, message: Message) -> Message:
        try:
            before = self.render(lead, "", _NOTHING).message
        except VoiceError as error:
            self.problems.append(error)
            return message
        return msgspec.structs.replace(message, body=(*before.body, *message.body))

    def _keep(
        self,
        message: Message,
        reply: str,
        version: int,
        lead: str = "",
        values: Mapping[str, Any] | None = None,
        once: bool = False,
        late: bool = False,
        require: Proof = Proof.CLAIMED,
    ) -> None:
        self._count += 1
        identity = f"{self.state.turn}-{self._count}"
        # What may be repeated later is the message itself, without what led to it.
        self.messages.append(message)
        self.levels.append(require)
        self.replies.append(reply)
        if lead:
            message = self._led(lead, message)
        self._write(message, reply, version, identity)
        if self.capabilities.push:
            self.rows += self._rows(message, reply, identity, values, once=once, late=late)

    def _write(
        self, message: Message, reply: str, version: int, identity: str, *, notice: bool = False
    ) -> None:
        """Add a line of the bot to the transcript."""
        line = Line(
            who=Who.BOT,
            at=self.at,
            channel=self.address.channel,
            message=message,
            reply=reply,
            voice=version,
            id=identity,
        )
        self.spoken.append(line)
        if notice:
            # Before what is dropped if the bot may not speak: this is said all the same.
            self.lines.insert(len(self.lines) - self.said, line)
        else:
            self.lines.append(line)
            self.said += 1

    def _rows(
        self,
        message: Message,
        reply: str,
        identity: str,
        values: Mapping[str, Any] | None = None,
        *,
        once: bool = False,
        late: bool = False,
    ) -> list[Row]:
        """Return what is sent of a message: its parts, in this channel's form."""
        parts = degrade(message, self.capabilities)
        first = self.purpose is Purpose.PROACTIVE
        life = self.first_life if first else self.life
        if late and life:
            life = max(life, _DAY)
        return [
            Row(
                id=identity if len(parts) == 1 else f"{identity}.{position + 1}",
                address=self.address,
                message=part,
                reply=reply,
                context=self.state.contexts.get(self.address.channel, _NO_CONTEXT),
                expires_at=self.at + life if life else 0,
                repeat=not first and not once,
                late=late,
                purpose=self.purpose,
                values=_texts(values) if first and values else {},
            )
            for position, part in enumerate(parts)
        ]

    def log(self) -> tuple[bytes, ...]:
        """Return the lines that are not stored yet, as the store keeps them."""
        return tuple([_encode(line) for line in self.lines])

    def stored(self) -> None:
        """Forget what a progress commit has stored."""
        self.lines.clear()
        self.rows.clear()
        self.said = 0


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Return a reply's values as text, as a platform's template wants them: fields with a dot."""
    found: dict[str, str] = {}
    for name, value in plain_data(dict(values)).items():
        if isinstance(value, dict):
            found |= {f"{name}.{part}": text for part, text in _texts(value).items()}
        elif isinstance(value, date | datetime):
            found[name] = value.isoformat()
        elif value is not None and not isinstance(value, list):
            found[name] = str(value)
    return found


FALLBACK = "something_went_wrong"
UNPROVED = "verify/not_proved"
"""Said where what is asked for needs more proof than this address has."""
_DOTS = "••••••"
_CANNOT_SHOW = Capabilities()
_SILENCE = Message(body=())
_NOTHING: Mapping[str, Any] = {}
_NO_CONTEXT: dict[str, str] = {}
_DAY: Millis = 86_400_000
_WORDINGS = 8
"""How many replies' last wordings are remembered with a customer."""
