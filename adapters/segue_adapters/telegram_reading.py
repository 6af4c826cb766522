"""What an update of the Bot API says. Pure.

    private chat   text, photos and files, a contact, a place, a pressed button    message
                   the same, changed later                                         edit
                   /start                                                          opened
                   the bot was blocked, or unblocked                      blocked, unblocked
    group          addressed (/command@bot, @bot, an answer to us)                 public
                   it has another id from now on                                   moved
    anything else  acknowledged, counted, ignored

- A chat is an address, a message's number within it is the message: update ids may jump, and
  nothing is concluded from their order.
- Bots are not answered, neither what was sent through one.
- A phone number counts only where the sender shares their own contact, in a private chat, not
  forwarded: Telegram fills in `user_id` itself.
- In a group nothing is read but that we were addressed: not even the words are passed on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from telegram import CallbackQuery, ChatMemberUpdated, Message, MessageEntity, Update
from telegram import User as Person

from segue.ports import to_millis
from segue.types import Address, Inbound, Media, MediaKind

NAME = "telegram"
PRIVATE = "private"
_GROUPS = ("group", "supergroup")
_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_FRESH = timedelta(seconds=30)
_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@[A-Za-z0-9_]+)?(?:\s+(.*))?", re.DOTALL)
_FILES = ("document", "video", "animation", "audio", "voice", "video_note")
_OTHER = ("dice", "poll", "game", "story", "checklist", "invoice", "paid_media", "giveaway")
"""What a person sends and we cannot read; what is none of all these is a note of the platform."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bot:
    """Who we are."""

    id: int
    username: str = ""
    """Without @; empty until Telegram told it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Read:
    """What became of one update."""

    inbound: Inbound | None = None
    callback: str = ""
    """Id of a pressed button that still turns, until it is answered."""
    ignored: str = ""
    """Why there is no inbound: a short word for the counter."""


def read_update(data: Mapping[str, Any], bot: Bot, now: datetime) -> Read:
    """Return what an update says. Never raises: what cannot be read is ignored and counted."""
    try:
        update = Update.de_json(dict(data), None)
        if update.callback_query is not None:
            return _pressed(update.callback_query)
        if update.my_chat_member is not None:
            return _membership(update.my_chat_member, update.update_id)
        if update.message is not None:
            return _message(update.message, bot, now)
        if update.edited_message is not None:
            return _edited(update.edited_message, now)
    except Exception:  # noqa: BLE001 - the library reads what it knows; a shape new to it is no fault of ours
        return Read(ignored="unreadable")
    return Read(ignored="kind")


# -- private chats ---------------------------------------------------------------------------------


def _message(message: Message, bot: Bot, now: datetime) -> Read:
    person = message.from_user
    if person is None or person.is_bot or message.via_bot is not None:
        return Read(ignored="bot")
    if message.chat.type in _GROUPS:
        return _in_a_group(message, bot)
    if message.chat.type != PRIVATE:
        return Read(ignored="chat")
    said = _said(message)
    if said is None:
        return Read(ignored="service")
    text, media, told = said
    if command := _COMMAND.fullmatch(message.text or ""):
        name, rest = command[1], (command[2] or "").strip()
        if name.lower() == "start":
            return Read(
                inbound=_inbound(
                    message, person, now, kind="opened", data={"start": rest[:64], **told}
                )
            )
        # "/cancel" is the word; "/return_item" is what one would write.
        text = " ".join(filter(None, [name.replace("_", " "), rest]))
    return Read(inbound=_inbound(message, person, now, text=text, media=media, data=told))


def _edited(message: Message, now: datetime) -> Read:
    person = message.from_user
    if person is None or person.is_bot or message.via_bot is not None:
        return Read(ignored="bot")
    if message.chat.type != PRIVATE:
        return Read(ignored="chat")
    said = _said(message)
    if said is None or message.location is not None:
        # A shared place that moves is edited every few seconds.
        return Read(ignored="service")
    text, media, told = said
    edited = int(message.edit_date.timestamp()) if message.edit_date else 0
    inbound = _inbound(
        message,
        person,
        now,
        kind="edit",
        ident=f"{message.message_id}.{edited}",
        text=text,
        media=media,
        data={**told, "of": str(message.message_id)},
    )
    return Read(inbound=inbound)


def _inbound(
    message: Message,
    person: Person,
    now: datetime,
    *,
    kind: str = "message",
    ident: str = "",
    text: str = "",
    media: tuple[Media, ...] = (),
    data: dict[str, Any] | None = None,
) -> Inbound:
    written = message.edit_date or message.date
    return Inbound(
        address=Address(NAME, str(message.chat.id)),
        message_id=ident or str(message.message_id),
        text=text,
        media=media,
        kind=kind,
        locale=person.language_code,
        name=person.full_name or None,
        # Telegram's times are whole seconds, by its own clock: too coarse to be compared with when
        # a question was asked. They count where a message has waited.
        received_at=to_millis(written) if now - written > _FRESH else 0,
        data=data or {},
    )


def _said(message: Message) -> tuple[str, tuple[Media, ...], dict[str, Any]] | None:
    """Return (words, attachments, what else is known), or None for a note of the platform."""
    if message.text is not None:
        return message.text, (), {}
    caption = message.caption or ""
    if message.photo:
        largest = message.photo[-1]
        photo = Media(
            kind=MediaKind.IMAGE,
            ref=largest.file_id,
            content_type="image/jpeg",
            bytes=largest.file_size or 0,
        )
        return caption, (photo,), {}
    if message.sticker is not None:
        return message.sticker.emoji or "", (), {"what": "sticker"}
    if message.contact is not None:
        phone = _own_number(message)
        return phone, (), {"what": "contact", **({"phone": phone} if phone else {})}
    if message.location is not None:
        place = message.location
        told = {"latitude": place.latitude, "longitude": place.longitude}
        venue = message.venue
        words = f"{venue.title}, {venue.address}" if venue else ""
        shown = words or f"{place.latitude:.5f}, {place.longitude:.5f}"
        return shown, (), {"what": "location", "location": told}
    for name in _FILES:
        file = getattr(message, name)
        if file is not None:
            return caption, (_file(file),), {"what": name} if name != "document" else {}
    if any(getattr(message, name, None) is not None for name in _OTHER):
        return "", (), {"what": "other"}
    return None


def _file(file: Any) -> Media:
    content_type = getattr(file, "mime_type", None) or ""
    return Media(
        kind=MediaKind.IMAGE if content_type in _PICTURES else MediaKind.FILE,
        ref=file.file_id,
        alt=getattr(file, "file_name", None) or "",
        content_type=content_type,
        bytes=file.file_size or 0,
    )


def _own_number(message: Message) -> str:
    """Return the sender's own phone number in E.164, or nothing."""
    contact, person = message.contact, message.from_user
    own = (
        contact is not None
        and person is not None
        and contact.user_id == person.id == message.chat.id
        and message.forward_origin is None
        and not message.is_automatic_forward
    )
    if not own or contact is None:
        return ""
    digits = re.sub(r"[\s().-]", "", contact.phone_number).removeprefix("+")
    return f"+{digits}" if re.fullmatch(r"[1-9][0-9]{6,14}", digits) else ""


def _pressed(query: CallbackQuery) -> Read:
    message, person = query.message, query.from_user
    if message is None or person.is_bot or not isinstance(query.data, str):
        return Read(callback=query.id, ignored="callback")
    if message.chat.type != PRIVATE or message.chat.id != person.id:
        return Read(callback=query.id, ignored="callback")
    markup = getattr(message, "reply_markup", None)
    rows = markup.inline_keyboard if markup is not None else ()
    labels = [button.text for row in rows for button in row if button.callback_data == query.data]
    return Read(
        inbound=Inbound(
            address=Address(NAME, str(message.chat.id)),
            message_id=f"press.{query.id}",
            text=labels[0] if labels else "",
            choice=query.data,
            locale=person.language_code,
            name=person.full_name or None,
        ),
        callback=query.id,
    )


def _membership(change: ChatMemberUpdated, update_id: int) -> Read:
    if change.chat.type != PRIVATE:
        return Read(ignored="chat")
    kinds = {"kicked": "blocked", "member": "unblocked"}
    kind = kinds.get(change.new_chat_member.status)
    if kind is None or change.old_chat_member.status == change.new_chat_member.status:
        return Read(ignored="kind")
    return Read(
        inbound=Inbound(
            address=Address(NAME, str(change.chat.id)),
            message_id=f"update.{update_id}",
            kind=kind,
        )
    )


# -- groups ----------------------------------------------------------------------------------------


def _in_a_group(message: Message, bot: Bot) -> Read:
    address = Address(NAME, str(message.chat.id))
    if message.migrate_to_chat_id is not None:
        return Read(
            inbound=Inbound(
                address=address,
                message_id=str(message.message_id),
                kind="moved",
                data={"to": str(message.migrate_to_chat_id)},
            )
        )
    if not _addressed(message, bot):
        return Read(ignored="group")
    ident = str(message.message_id)
    return Read(inbound=Inbound(address=address, message_id=ident, kind="public"))


def _addressed(message: Message, bot: Bot) -> bool:
    answered = message.reply_to_message
    if (
        answered is not None
        and answered.from_user is not None
        and answered.from_user.id == bot.id
        and message.text is not None
    ):
        return True
    ours = f"@{bot.username}".lower() if bot.username else None
    spoken = {**message.parse_entities(), **message.parse_caption_entities()}
    for entity, words in spoken.items():
        match entity.type:
            case MessageEntity.TEXT_MENTION if entity.user is not None:
                if entity.user.id == bot.id:
                    return True
            case MessageEntity.MENTION if words.lower() == ours:
                return True
            case MessageEntity.BOT_COMMAND if ours is not None:
                if words.lower().endswith(ours) and "@" in words:
                    return True
    return False
