"""What Slack tells us, as messages of customers. Pure: one payload is always the same messages.

    a message in a DM         message, edit, delete
    a mention in a channel    public    (invited to a DM, and nothing else: law 6)
    App Home opened           home, or opened where the Messages tab was

Buttons and commands are in `slack_reading.py`.

- An address is `TEAM:USER`, and never an e-mail: that is an attribute, which guests can choose.
  Where others read along, and for App Home, it is `TEAM:USER@PLACE`: a customer without any
  history, to whom nothing personal can be said.
- A message's id is its channel and time (and the time of the edit), not Slack's `event_id`: one
  message has come under eleven of those.
- What another app or bot wrote is dropped, our own words included: bots do not converse.
- Whatever we do not know is acknowledged and counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from segue.channel import Parsed
from segue.types import Address, Inbound, Media, MediaKind
from segue_adapters.slack_words import words

Json: TypeAlias = dict[str, Any]
Count: TypeAlias = Callable[[str], None]
"""Called with why something was left aside."""

_ID = re.compile(r"[A-Z0-9]{1,40}")
_TS = re.compile(r"\d{1,10}\.\d{1,9}")
_SAID = frozenset({"", "file_share", "me_message", "thread_broadcast"})
"""Subtypes in which a person says something."""
_FILES = 10
HOME = "home"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ours:
    """Which app and workspaces we are; empty: any."""

    app: str = ""
    teams: frozenset[str] = frozenset()


# -- who -------------------------------------------------------------------------------------------


def address(team: str, user: str, place: str = "") -> Address:
    """Return a customer's address, or that of somebody where others read along."""
    return Address("slack", f"{team}:{user}@{place}" if place else f"{team}:{user}")


def parts(found: Address) -> tuple[str, str, str]:
    """Return team, user and place (empty: the DM) of an address."""
    team, _, rest = found.id.partition(":")
    user, _, place = rest.partition("@")
    return team, user, place


def foreign(payload: Json, team: Any, ours: Ours, count: Count) -> bool:
    """Whether this is about another app or another workspace; that is counted."""
    app = payload.get("api_app_id", "")
    if ours.app and app != ours.app:
        count("other_app")
        return True
    if ours.teams and team not in ours.teams and payload.get("enterprise_id") not in ours.teams:
        count("other_team")
        return True
    return False


def id_of(value: object) -> str:
    """Return an id of Slack's, or nothing if it is none."""
    return value if isinstance(value, str) and _ID.fullmatch(value) else ""


def ts_of(value: object) -> str:
    """Return a time of Slack's, which is the id of a message, or nothing."""
    return value if isinstance(value, str) and _TS.fullmatch(value) else ""


def text_of(value: object) -> str:
    """Return text, or nothing if it is something else."""
    return value if isinstance(value, str) else ""


def table_of(value: object) -> Json:
    """Return an object, an empty one if it is something else."""
    return value if isinstance(value, dict) else {}


# -- events ----------------------------------------------------------------------------------------


def read_event(payload: object, ours: Ours, count: Count) -> Parsed:
    """Return what one delivery of the Events API says."""
    outer = table_of(payload)
    kind = outer.get("type")
    if kind == "url_verification":
        challenge = text_of(outer.get("challenge"))[:500]
        return Parsed(body=challenge.encode("utf-8", "replace"))
    if kind == "app_rate_limited":
        count("too_many_events")
        return Parsed()
    event = table_of(outer.get("event"))
    if kind != "event_callback" or not event:
        count("unknown_request")
        return Parsed()
    if foreign(outer, outer.get("team_id"), ours, count):
        return Parsed()
    team = id_of(outer.get("team_id"))
    found = _event(event, team, count) if team else None
    return Parsed(inbound=(found,) if found is not None else ())


def _event(event: Json, team: str, count: Count) -> Inbound | None:
    match event.get("type"):
        case "message":
            return message(event, team, count)
        case "app_mention":
            return _mention(event, team, count)
        case "app_home_opened":
            return _opened(event, team)
    count("unknown_event")
    return None


def message(event: Json, team: str, count: Count) -> Inbound | None:
    """Return what a message event says, if a person says it to us alone."""
    channel, kind = id_of(event.get("channel")), event.get("channel_type")
    if not channel.startswith("D") or kind not in (None, "im", "app_home"):
        # Channels where others read along are heard only when we are mentioned.
        count("not_a_dm")
        return None
    match event.get("subtype", ""):
        case "message_changed":
            return _changed(event, team, channel, count)
        case "message_deleted":
            return _deleted(event, team, channel, count)
        case str() as subtype if subtype not in _SAID:
            count("unknown_subtype")
            return None
    user, ts = _person(event, count), ts_of(event.get("ts"))
    if not user or not ts:
        return None
    return Inbound(
        address=address(_team(event, team), user),
        message_id=f"{channel}:{ts}",
        text=words(text_of(event.get("text"))),
        media=tuple(_media(event)),
        context={"dm": channel},
    )


def _person(event: Json, count: Count) -> str:
    """Return the user who wrote this, or nothing if it was a bot or an app."""
    user = id_of(event.get("user"))
    if event.get("bot_id") or event.get("bot_profile") or event.get("app_id"):
        count("bot")
        return ""
    if event.get("subtype") == "bot_message" or user in ("USLACKBOT", ""):
        count("bot")
        return ""
    return user


def _team(event: Json, team: str) -> str:
    """Return the writer's own team: in DMs over Slack Connect it is not ours."""
    return id_of(event.get("user_team")) or id_of(event.get("team")) or team


def _media(event: Json) -> Iterator[Media]:
    files = event.get("files")
    for each in files[:_FILES] if isinstance(files, list) else ():
        file = table_of(each)
        ref = id_of(file.get("id"))
        if ref:
            kind = text_of(file.get("mimetype"))[:100]
            size = file.get("size")
            yield Media(
                kind=MediaKind.IMAGE if kind.startswith("image/") else MediaKind.FILE,
                ref=ref,
                alt=text_of(file.get("title") or file.get("name"))[:200],
                content_type=kind,
                bytes=size if isinstance(size, int) and 0 <= size < 2**53 else 0,
            )


def _changed(event: Json, team: str, channel: str, count: Count) -> Inbound | None:
    inner, before = table_of(event.get("message")), table_of(event.get("previous_message"))
    edited = ts_of(table_of(inner.get("edited")).get("ts"))
    user, ts = _person(inner, count), ts_of(inner.get("ts"))
    if not user or not ts:
        return None
    if not edited or inner.get("text") == before.get("text"):
        # Slack changes messages too: previews of links, and the like.
        count("unchanged")
        return None
    return Inbound(
        address=address(_team(inner, team), user),
        message_id=f"{channel}:{ts}:{edited}",
        text=words(text_of(inner.get("text"))),
        kind="edit",
        data={"of": f"{channel}:{ts}"},
        context={"dm": channel},
    )


def _deleted(event: Json, team: str, channel: str, count: Count) -> Inbound | None:
    before, ts = table_of(event.get("previous_message")), ts_of(event.get("deleted_ts"))
    user = _person(before, count)
    if not user or not ts:
        return None
    return Inbound(
        address=address(_team(before, team), user),
        message_id=f"{channel}:{ts}:deleted",
        kind="delete",
        data={"of": f"{channel}:{ts}"},
        context={"dm": channel},
    )


def _mention(event: Json, team: str, count: Count) -> Inbound | None:
    """Somebody mentions us where others read along: their words are not even kept."""
    user, channel, ts = _person(event, count), id_of(event.get("channel")), ts_of(event.get("ts"))
    if not user or not channel or not ts:
        return None
    if event.get("edited"):
        count("unchanged")
        return None
    where = address(_team(event, team), user, channel)
    return Inbound(
        address=where, message_id=f"{channel}:{ts}", kind="public", context={"answer": ""}
    )


def _opened(event: Json, team: str) -> Inbound | None:
    user, ts = id_of(event.get("user")), ts_of(event.get("event_ts"))
    if not user:
        return None
    if event.get("tab") == "messages":
        return Inbound(address=address(team, user), message_id="opened", kind="opened")
    # Once a day is often enough to write it anew; every look at it is an event.
    day = datetime.fromtimestamp(float(ts or 0), UTC).date().isoformat()
    return Inbound(address=address(team, user, HOME), message_id=f"home:{day}", kind="home")
