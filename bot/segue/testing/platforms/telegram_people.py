"""Who writes to a bot on the stand-in for Telegram, and what they see.

    ada = telegram.customer("Ada")
    ada.start()
    ada.write("I want to send something back")
    shown = await ada.answer()          # the bot's next message, as Ada sees it
    ada.press("Arrived damaged")
    ada.screen                          # everything in the chat, oldest first

What a customer does is on its way to the bot when the call returns; `answer` waits.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from segue.testing.platforms.telegram_markup import Entity

if TYPE_CHECKING:
    from segue.testing.platforms.telegram_updates import Updates


@dataclass(frozen=True)
class Shown:
    """One message in a chat, as a person sees it."""

    id: int
    who: str
    """`bot`, or the name of whoever wrote it."""
    text: str
    buttons: tuple[str, ...] = ()
    """Labels, in order."""
    links: frozenset[str] = frozenset()
    """Addresses behind words."""
    entities: tuple[Entity, ...] = ()
    photo: str = ""
    """Address of a picture that the bot sent."""
    data: tuple[str, ...] = field(default=(), repr=False)
    """`callback_data` of the buttons."""


@dataclass
class Chat:
    """A chat as the server keeps it."""

    id: int
    kind: str
    """`private`, `group` or `supergroup`."""
    title: str
    messages: list[Shown] = field(default_factory=list)
    started: bool = False
    """Whether a private chat was begun by the customer: a bot cannot begin one."""
    blocked: bool = False
    moved_to: int = 0
    actions: list[str] = field(default_factory=list)
    """What `sendChatAction` showed."""
    grew: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, shown: Shown) -> None:
        """Put a message at the end, or in the place of the one it changes."""
        for place, message in enumerate(self.messages):
            if message.id == shown.id:
                self.messages[place] = shown
                break
        else:
            self.messages.append(shown)
        self.grew.set()

    def described(self) -> dict[str, Any]:
        """Return the `Chat` of an update."""
        name = "first_name" if self.kind == "private" else "title"
        return {"id": self.id, "type": self.kind, name: self.title}


class Customer:
    """A person with Telegram."""

    def __init__(self, telegram: Updates, chat: Chat, *, language: str, is_bot: bool) -> None:
        self.chat = chat
        self.turning: set[str] = set()
        """Presses whose button still turns: the bot has not answered them."""
        self._telegram = telegram
        self._language = language
        self._is_bot = is_bot
        self._read = 0

    @property
    def id(self) -> int:
        """The user's id, which is that of their chat with the bot."""
        return self.chat.id

    @property
    def screen(self) -> list[Shown]:
        """The chat with the bot, oldest first."""
        return list(self.chat.messages)

    @property
    def sees_typing(self) -> int:
        """How often "typing…" was shown."""
        return self.chat.actions.count("typing")

    def described(self) -> dict[str, Any]:
        """Return the `User` of an update."""
        return {
            "id": self.id,
            "is_bot": self._is_bot,
            "first_name": self.chat.title,
            "language_code": self._language,
        }

    # -- what they see -----------------------------------------------------------------------------

    async def answer(self, *, within: float = 10.0) -> Shown:
        """Return the bot's next message that was not returned before. Raises `TimeoutError`."""
        async with asyncio.timeout(within):
            while True:
                self.chat.grew.clear()
                for place in range(self._read, len(self.chat.messages)):
                    if self.chat.messages[place].who == "bot":
                        self._read = place + 1
                        return self.chat.messages[place]
                await self.chat.grew.wait()

    # -- what they do ------------------------------------------------------------------------------

    def start(self, payload: str = "") -> int:
        """Press "Start", or open `t.me/BOT?start=PAYLOAD`."""
        return self.write(f"/start {payload}".strip())

    def write(self, text: str, **fields: Any) -> int:
        """Send words; returns the message's number. `fields` are further ones of the `Message`."""
        return self._say({"text": text, **fields}, text)

    def edit(self, text: str, message: int = 0) -> None:
        """Change what was written, the last of it if no number is given."""
        own = [each.id for each in self.chat.messages if each.who == self.chat.title]
        self._telegram.edited(self, self.chat, message or own[-1], text)

    def press(self, label: str) -> str:
        """Press a button by its label, the latest that has it; returns the press's id."""
        for shown in reversed(self.chat.messages):
            if label in shown.buttons:
                press = self._telegram.pressed(self, shown, shown.buttons.index(label))
                self.turning.add(press)
                return press
        raise LookupError(f"no button {label!r} on this screen")

    def send_contact(
        self, phone: str, *, of: int | None = None, forwarded: bool = False, unknown: bool = False
    ) -> int:
        """Share a contact: one's own, or that `of` another user, or of nobody Telegram knows."""
        contact: dict[str, Any] = {"phone_number": phone, "first_name": self.chat.title}
        if not unknown:
            contact["user_id"] = self.id if of is None else of
        fields: dict[str, Any] = {"contact": contact}
        if forwarded:
            origin = {"type": "user", "date": self._telegram.date(), "sender_user": contact}
            fields["forward_origin"] = {**origin, "sender_user": self.described()}
        return self._say(fields, "[contact]")

    def send_photo(self, body: bytes, caption: str = "") -> int:
        """Send a picture."""
        file = self._telegram.keep(body, "photos/file.jpg")
        size = {**file, "width": 90, "height": 90}
        small = {**self._telegram.keep(body[:100], "photos/small.jpg"), "width": 9, "height": 9}
        return self._say({"photo": [small, size], **_captioned(caption)}, caption or "[photo]")

    def send_file(self, body: bytes, name: str, content_type: str, caption: str = "") -> int:
        """Send a document."""
        file = self._telegram.keep(body, f"documents/{name}")
        document = {**file, "file_name": name, "mime_type": content_type}
        return self._say({"document": document, **_captioned(caption)}, caption or f"[{name}]")

    def send_voice(self, body: bytes = b"OggS\0") -> int:
        """Send a voice note."""
        file = self._telegram.keep(body, "voice/file.oga")
        return self._say({"voice": {**file, "duration": 2, "mime_type": "audio/ogg"}}, "[voice]")

    def send_sticker(self, emoji: str = "👍") -> int:
        """Send a sticker."""
        file = self._telegram.keep(b"RIFF", "stickers/file.webp")
        kind = {"type": "regular", "is_animated": False, "is_video": False}
        return self._say(
            {"sticker": {**file, **kind, "width": 512, "height": 512, "emoji": emoji}}, emoji
        )

    def send_location(self, latitude: float, longitude: float) -> int:
        """Send a place."""
        place = {"latitude": latitude, "longitude": longitude}
        return self._say({"location": place}, "[location]")

    def block(self) -> None:
        """Stop the bot."""
        self.chat.blocked = True
        self._telegram.membership(self, "member", "kicked")

    def unblock(self) -> None:
        """Let the bot write again."""
        self.chat.blocked = False
        self._telegram.membership(self, "kicked", "member")

    def _say(self, fields: dict[str, Any], shown: str) -> int:
        self.chat.started = True
        if self.chat.blocked:
            self.unblock()
        return self._telegram.said(self, self.chat, fields, shown)


class Group:
    """A group that the bot is in."""

    def __init__(self, telegram: Updates, chat: Chat) -> None:
        self.chat = chat
        self._telegram = telegram

    @property
    def screen(self) -> list[Shown]:
        """What stands in the group, oldest first."""
        return list(self.chat.messages)

    def write(self, who: Customer, text: str, *, answering: Shown | None = None) -> int:
        """Let somebody write, perhaps in answer to a message; mentions and commands are marked."""
        fields: dict[str, Any] = {"text": text, "entities": marks(text)}
        if answering is not None:
            fields["reply_to_message"] = self._telegram.message(
                self.chat, self._telegram.me, answering.id, {"text": answering.text}
            )
        return self._telegram.said(who, self.chat, fields, text)

    def migrate(self) -> int:
        """Become a supergroup; returns its id. The old one takes nothing any more."""
        return self._telegram.migrated(self.chat)


def marks(text: str) -> list[dict[str, Any]]:
    """Return the entities that Telegram marks in plain words: commands and mentions."""
    found, place = [], 0
    for word in text.split(" "):
        kind = {"/": "bot_command", "@": "mention"}.get(word[:1])
        if kind and len(word) > 1:
            found.append({"type": kind, "offset": _units(text[:place]), "length": _units(word)})
        place += len(word) + 1
    return found


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _captioned(caption: str) -> dict[str, str]:
    return {"caption": caption} if caption else {}
