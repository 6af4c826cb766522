"""What a person does in Slack, and what they see of the bot: for tests and for the demo."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from segue.testing.platforms.slack_blocks import Json, Pressable, Shown, shown

if TYPE_CHECKING:
    from segue.testing.platforms.slack import Slack

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]*\w")
_URL = re.compile(r"https?://[^\s<>]+")


class Person:
    """Somebody in the workspace. Every act returns when it was delivered, or given up."""

    def __init__(self, slack: Slack, *, name: str, user: str, bot: bool = False) -> None:
        self._slack = slack
        self.name = name
        self.user = user
        self.bot = bot
        self.disabled = False
        """Set it, and no DM with them can be opened."""
        self._said: list[Json] = []

    # -- doing -------------------------------------------------------------------------------------

    async def write(self, text: str, *, files: dict[str, bytes] | None = None) -> str:
        """Write into the DM; the result is the message's time, which is its id."""
        event: Json = {
            "type": "message",
            "channel_type": "im",
            "user": self.user,
            "text": typed(text),
            "ts": self._slack.next_ts(),
            "team": self._slack.team,
            "client_msg_id": self._slack.new_id("client"),
        }
        if self.bot:
            event |= {"bot_id": self._slack.new_id("B"), "app_id": "A0OTHER"}
        if files:
            event["subtype"] = "file_share"
            event["files"] = [self._upload(name, body) for name, body in files.items()]
        dm = self._slack.dm(self.user)
        event |= {"channel": dm.id, "event_ts": event["ts"]}
        dm.messages.append(event)
        self._said.append(event)
        await self._slack.tell(event)
        return str(event["ts"])

    async def press(self, label: str, *, back: int = 0) -> None:
        """Press a button of what is on the screen, or of App Home.

        `back` counts the messages with such a button, from the last: 1 presses an old one.
        """
        offers = [
            (seen, button)
            for seen in self.screen
            for button in seen.buttons
            if button.label == label
        ]
        if not offers:
            home = self.home
            pressed = next((b for b in (home.buttons if home else ()) if b.label == label), None)
            assert pressed is not None, f"there is no button {label!r}"
            await self._press(pressed, {"type": "view", "view_id": "V1"}, None)
            return
        seen, button = offers[-1 - back]
        container = {
            "type": "message",
            "message_ts": seen.ts,
            "channel_id": seen.channel,
            "is_ephemeral": seen.ephemeral,
        }
        await self._press(button, container, seen.channel)

    async def press_in(self, other: Person, label: str) -> None:
        """Press a button in somebody else's DM, as nobody can who is not let in."""
        seen, button = next((s, b) for s in other.screen for b in s.buttons if b.label == label)
        container = {"type": "message", "message_ts": seen.ts, "channel_id": seen.channel}
        await self._press(button, container, seen.channel)

    async def _press(self, button: Pressable, container: Json, channel: str | None) -> None:
        now = self._slack.next_ts()
        payload: Json = {
            "type": "block_actions",
            "user": {"id": self.user, "name": self.name, "team_id": self._slack.team},
            "api_app_id": self._slack.app,
            "token": "obsolete",
            "container": container,
            "trigger_id": self._slack.new_id("trigger"),
            "team": {"id": self._slack.team, "domain": "stand-in"},
            "actions": [
                {
                    "type": "button",
                    "action_id": button.action_id,
                    "block_id": button.block_id,
                    "text": {"type": "plain_text", "text": button.label, "emoji": False},
                    "value": button.value,
                    "action_ts": now,
                }
            ],
        }
        if channel:
            payload["channel"] = {"id": channel, "name": "directmessage"}
        await self._slack.interact(payload)

    async def edit(self, text: str, *, ts: str = "") -> None:
        """Change a message of theirs, the last one unless its time is given."""
        before = self._message(ts)
        after = {**before, "text": typed(text)}
        after["edited"] = {"user": self.user, "ts": self._slack.next_ts()}
        self._replace(before, after)
        await self._slack.tell(self._about("message_changed", before, message=after))

    async def delete(self, *, ts: str = "") -> None:
        """Delete a message of theirs, the last one unless its time is given."""
        before = self._message(ts)
        self._slack.dm(self.user).messages.remove(before)
        self._said.remove(before)
        await self._slack.tell(self._about("message_deleted", before, deleted_ts=before["ts"]))

    async def mention_in(self, channel: str, text: str = "can you help me?") -> None:
        """Mention the bot in a channel, where others read along."""
        where = self._slack.conversation(channel, {self._slack.bot_user})
        where.members.add(self.user)
        event = {
            "type": "app_mention",
            "user": self.user,
            "text": f"<@{self._slack.bot_user}> {typed(text)}",
            "ts": self._slack.next_ts(),
            "team": self._slack.team,
            "channel": channel,
        }
        where.messages.append(event)
        await self._slack.tell({**event, "event_ts": event["ts"]})

    async def command(self, text: str = "", *, channel: str = "C0GENERAL") -> None:
        """Use the slash command in a channel; the bot need not be in it."""
        await self._slack.command(
            {
                "token": "obsolete",
                "team_id": self._slack.team,
                "team_domain": "stand-in",
                "channel_id": channel,
                "channel_name": "general",
                "user_id": self.user,
                "user_name": self.name.lower(),
                "command": "/segue",
                "text": text,
                "api_app_id": self._slack.app,
                "response_url": self._slack.response_url(self.user, channel),
                "trigger_id": self._slack.new_id("trigger"),
            }
        )

    async def open_home(self, tab: str = "home") -> None:
        """Look at the bot's page (`home`) or its messages (`messages`)."""
        now = self._slack.next_ts()
        event = {"type": "app_home_opened", "user": self.user, "tab": tab, "event_ts": now}
        await self._slack.tell({**event, "channel": self._slack.dm(self.user).id})

    # -- seeing ------------------------------------------------------------------------------------

    @property
    def screen(self) -> list[Shown]:
        """What the bot said to them, in the DM and for their eyes only elsewhere."""
        found = []
        dm = self._slack.dm(self.user)
        for where in self._slack.conversations.values():
            for message in where.messages:
                mine = where is dm
                to = message.get("ephemeral_to")
                if message.get("bot_id") and (to == self.user or (mine and to is None)):
                    seen = shown(message)
                    seen.ts, seen.channel = message["ts"], where.id
                    seen.ephemeral = to is not None
                    found.append(seen)
        return sorted(found, key=lambda seen: float(seen.ts))

    def heard_in(self, channel: str) -> list[Shown]:
        """What the bot said in a channel for everybody to read."""
        messages = self._slack.conversation(channel).messages
        return [shown(m) for m in messages if m.get("bot_id") and "ephemeral_to" not in m]

    @property
    def home(self) -> Shown | None:
        """The bot's page, if it was ever published for them."""
        view = self._slack.homes.get(self.user)
        return shown(view) if view else None

    # -- parts -------------------------------------------------------------------------------------

    def _message(self, ts: str) -> Json:
        return next(m for m in reversed(self._said) if not ts or m["ts"] == ts)

    def _replace(self, before: Json, after: Json) -> None:
        for kept in (self._said, self._slack.dm(self.user).messages):
            kept[kept.index(before)] = after

    def _about(self, subtype: str, before: Json, **more: object) -> Json:
        now = self._slack.next_ts()
        return {
            "type": "message",
            "subtype": subtype,
            "hidden": True,
            "channel": self._slack.dm(self.user).id,
            "channel_type": "im",
            "previous_message": before,
            "ts": now,
            "event_ts": now,
            **more,
        }

    def _upload(self, name: str, body: bytes) -> Json:
        id_ = self._slack.new_id("F")
        kinds = {"png": "image/png", "jpg": "image/jpeg", "pdf": "application/pdf"}
        address = f"{self._slack.url}/files-pri/{id_}/{name}"
        info = {
            "id": id_,
            "name": name,
            "title": name,
            "mimetype": kinds.get(name.rpartition(".")[2], "application/octet-stream"),
            "size": len(body),
            "user": self.user,
            "url_private": address,
            "url_private_download": address,
        }
        self._slack.files[id_] = (info, body)
        return info


def typed(text: str) -> str:
    """Return what Slack makes of words that somebody types: escaped, addresses in brackets."""
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    safe = _EMAIL.sub(lambda found: f"<mailto:{found[0]}|{found[0]}>", safe)
    return _URL.sub(lambda found: f"<{found[0]}>", safe)
