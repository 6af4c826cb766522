"""What a request of Slack's says: events as JSON, what people press and command as forms. Pure.

a button in a DM        message with a choice, from the one it is meant for only
a button of App Home    message with its label
/anything               public
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from urllib.parse import parse_qsl

import msgspec
from msgspec import structs

from segue.channel import Parsed, RawRequest, Refused
from segue.types import Inbound
from segue_adapters.slack_events import (
    Count,
    Json,
    Ours,
    address,
    foreign,
    id_of,
    read_event,
    table_of,
    text_of,
    ts_of,
)

_FIELDS = 200
"""Most fields of a form."""
_FRESH = 30.0
"""Seconds within which a message counts as one that comes as it is written."""


def read(request: RawRequest, ours: Ours, count: Count) -> Parsed | Refused:
    """Return what a verified request says: events as JSON, the others as forms."""
    try:
        body = request.body.decode("utf-8")
        if "json" in request.headers.get("content-type", ""):
            return read_event(msgspec.json.decode(body), ours, count)
        fields = dict(parse_qsl(body, keep_blank_values=True, max_num_fields=_FIELDS))
        if "payload" in fields:
            return read_action(msgspec.json.decode(fields["payload"]), ours, count)
        return read_command(fields, ours, count)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return Refused(status=400, why="body")


def retried(parsed: Parsed, now: datetime) -> Parsed:
    """Return what a retry says, with the times at which it was written where it has waited.

    Otherwise Slack's clock decides nothing: a message was written when it comes.
    """
    return replace(parsed, inbound=tuple([_written(each, now) for each in parsed.inbound]))


def _written(inbound: Inbound, now: datetime) -> Inbound:
    ts = ts_of(inbound.message_id.rpartition(":")[2])
    if not ts or now.timestamp() - float(ts) < _FRESH:
        return inbound
    return structs.replace(inbound, received_at=int(float(ts) * 1000))


# -- buttons ---------------------------------------------------------------------------------------


def marked(user: str) -> str:
    """Return the `block_id` of buttons that are meant for one user."""
    return f"for:{user}"


def read_action(payload: object, ours: Ours, count: Count) -> Parsed:
    """Return what a press says."""
    outer = table_of(payload)
    if outer.get("type") != "block_actions":
        count("unknown_action")
        return Parsed()
    user, team = table_of(outer.get("user")), table_of(outer.get("team"))
    if foreign(outer, team.get("id") or user.get("team_id"), ours, count):
        return Parsed()
    who, whose = id_of(user.get("id")), id_of(user.get("team_id")) or id_of(team.get("id"))
    actions = outer.get("actions")
    found = []
    for each in actions[:1] if isinstance(actions, list) and who and whose else ():
        pressed = _pressed(table_of(each), outer, who, whose, count)
        found += [pressed] if pressed is not None else []
    return Parsed(inbound=tuple(found))


def _pressed(action: Json, outer: Json, user: str, team: str, count: Count) -> Inbound | None:
    label = text_of(table_of(action.get("text")).get("text"))
    value, at = text_of(action.get("value")), ts_of(action.get("action_ts"))
    if action.get("type") != "button" or not value or len(value.encode("utf-8", "replace")) > 64:
        count("unknown_action")
        return None
    container = table_of(outer.get("container"))
    if container.get("type") == "view":
        # What App Home offers begins something; there is no question it could answer.
        return Inbound(address=address(team, user), message_id=f"home:{at}:{value}", text=label)
    channel = id_of(container.get("channel_id")) or id_of(table_of(outer.get("channel")).get("id"))
    ts = ts_of(container.get("message_ts"))
    if not channel.startswith("D") or action.get("block_id") != marked(user):
        count("not_theirs")
        return None
    return Inbound(
        address=address(team, user),
        message_id=f"{channel}:{ts}:press:{at}",
        text=label,
        choice=value,
        context={"dm": channel},
    )


# -- commands --------------------------------------------------------------------------------------


def read_command(fields: Json, ours: Ours, count: Count) -> Parsed:
    """Return a slash command as what it is: a call from a place that may be public."""
    if fields.get("ssl_check") == "1":
        return Parsed()
    if "command" not in fields:
        count("unknown_request")
        return Parsed()
    if foreign(fields, fields.get("team_id"), ours, count):
        return Parsed()
    team, user = id_of(fields.get("team_id")), id_of(fields.get("user_id"))
    place = id_of(fields.get("channel_id"))
    trigger = text_of(fields.get("trigger_id"))[:100]
    if not (team and user and place and trigger):
        return Parsed()
    called = Inbound(
        address=address(team, user, place),
        message_id=trigger,
        kind="public",
        # We need not be in that channel: this is how a command is answered there.
        context={"answer": text_of(fields.get("response_url"))[:500]},
    )
    return Parsed(inbound=(called,))
