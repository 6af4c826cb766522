"""The methods of Slack's Web API that a bot for customers needs, each as Slack does it.

A method takes the workspace and its arguments, and returns what stands beside `"ok": true`, or
raises `Failure` with Slack's word for what is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from segue.testing.platforms.slack_blocks import MOST_TEXT, Invalid, Json, checked

if TYPE_CHECKING:
    from segue.testing.platforms.slack import Conversation, Slack


class Failure(Exception):
    """`args[0]` is the error code; `more` stands beside it."""

    def __init__(self, code: str, **more: Any) -> None:
        super().__init__(code)
        self.more = more


def _auth_test(slack: Slack, _params: Json) -> Json:
    return {
        "url": "https://stand-in.slack.com/",
        "team": "Stand-in",
        "user": "bot",
        "team_id": slack.team,
        "user_id": slack.bot_user,
        "bot_id": slack.bot_id,
    }


def _open(slack: Slack, params: Json) -> Json:
    user = str(params.get("users") or "")
    if not user:
        raise Failure("users_list_not_supplied")
    person = slack.people.get(user)
    if person is None:
        raise Failure("user_not_found")
    if person.bot:
        raise Failure("cannot_dm_bot")
    if person.disabled:
        raise Failure("user_disabled")
    return {"channel": {"id": slack.dm(user).id}}


def _where(slack: Slack, params: Json) -> Conversation:
    found = slack.conversations.get(str(params.get("channel") or ""))
    if found is None:
        raise Failure("channel_not_found")
    if found.archived:
        raise Failure("is_archived")
    return found


def said(slack: Slack, params: Json) -> Json:
    """Check what is to be said, and return it as a message of the bot."""
    text, blocks = params.get("text") or "", params.get("blocks")
    if blocks:
        try:
            checked(blocks)
        except Invalid as invalid:
            code, where = invalid.args
            raise Failure(code, response_metadata={"messages": [f"[ERROR] {where}"]}) from None
    elif not isinstance(text, str) or not text.strip():
        raise Failure("no_text")
    if len(text) > MOST_TEXT:
        raise Failure("msg_too_long")
    message = {
        "type": "message",
        "user": slack.bot_user,
        "bot_id": slack.bot_id,
        "app_id": slack.app,
        "team": slack.team,
        "text": text,
        "ts": slack.next_ts(),
    }
    if blocks:
        message["blocks"] = blocks
    for option in ("mrkdwn", "parse", "link_names"):
        if option in params:
            message[option] = params[option]
    metadata = params.get("metadata")
    if metadata is not None:
        if not isinstance(metadata.get("event_type"), str) or not isinstance(
            metadata.get("event_payload"), dict
        ):
            raise Failure("invalid_metadata_format")
        if len(json.dumps(metadata)) > 16_000:
            raise Failure("metadata_too_large")
        message["metadata"] = metadata
    return message


def _post(slack: Slack, params: Json) -> Json:
    where = _where(slack, params)
    if slack.bot_user not in where.members:
        raise Failure("not_in_channel")
    message = said(slack, params)
    where.messages.append(message)
    return {"channel": where.id, "ts": message["ts"], "message": message}


def _whisper(slack: Slack, params: Json) -> Json:
    where = _where(slack, params)
    if slack.bot_user not in where.members:
        raise Failure("not_in_channel" if not where.is_dm else "channel_not_found")
    user = str(params.get("user") or "")
    if user not in slack.people:
        raise Failure("user_not_in_channel")
    message = {**said(slack, params), "ephemeral_to": user}
    where.messages.append(message)
    return {"message_ts": message["ts"]}


def _update(slack: Slack, params: Json) -> Json:
    where = _where(slack, params)
    for place, message in enumerate(where.messages):
        if message["ts"] == params.get("ts"):
            if message.get("bot_id") != slack.bot_id:
                raise Failure("cant_update_message")
            where.messages[place] = {**said(slack, params), "ts": message["ts"]}
            return {"channel": where.id, "ts": message["ts"]}
    raise Failure("message_not_found")


def _history(slack: Slack, params: Json) -> Json:
    where = _where(slack, params)
    oldest = float(params.get("oldest") or 0)
    limit = min(int(params.get("limit") or 100), 999)
    wants = str(params.get("include_all_metadata", "")).lower() in ("1", "true")
    newest_first = [m for m in reversed(where.messages) if float(m["ts"]) > oldest]
    found = [
        {key: value for key, value in message.items() if wants or key != "metadata"}
        for message in newest_first
        if "ephemeral_to" not in message
    ]
    return {"messages": found[:limit], "has_more": len(found) > limit}


def _conversations(slack: Slack, params: Json) -> Json:
    wanted = str(params.get("types") or "public_channel")
    found = [
        {"id": each.id, "is_im": each.is_dm}
        for each in slack.conversations.values()
        if slack.bot_user in each.members and (each.is_dm == (wanted == "im"))
    ]
    first, limit = int(params.get("cursor") or 0), int(params.get("limit") or 100)
    following = str(first + limit) if first + limit < len(found) else ""
    return {
        "channels": found[first : first + limit],
        "response_metadata": {"next_cursor": following},
    }


def _publish(slack: Slack, params: Json) -> Json:
    view = params.get("view")
    if not isinstance(view, dict) or view.get("type") != "home":
        raise Failure("invalid_arguments")
    if str(params.get("user_id")) not in slack.people:
        raise Failure("user_not_found")
    try:
        checked(view.get("blocks"), view=True)
    except Invalid as invalid:
        raise Failure(
            "invalid_arguments", response_metadata={"messages": [invalid.args[1]]}
        ) from None
    slack.homes[str(params["user_id"])] = view
    return {"view": {"id": slack.new_id("V"), **view}}


def _file_info(slack: Slack, params: Json) -> Json:
    found = slack.files.get(str(params.get("file") or ""))
    if found is None:
        raise Failure("file_not_found")
    return {"file": found[0]}


def _connect(slack: Slack, _params: Json) -> Json:
    return {"url": f"{slack.url.replace('http', 'ws', 1)}/link?ticket={slack.new_id('t')}"}


METHODS: dict[str, Callable[[Slack, Json], Json]] = {
    "auth.test": _auth_test,
    "conversations.open": _open,
    "conversations.history": _history,
    "users.conversations": _conversations,
    "chat.postMessage": _post,
    "chat.postEphemeral": _whisper,
    "chat.update": _update,
    "views.publish": _publish,
    "files.info": _file_info,
    "apps.connections.open": _connect,
}

TIERS = {
    "auth.test": 300,
    "conversations.open": 50,
    "conversations.history": 50,
    "users.conversations": 50,
    "chat.update": 50,
    "views.publish": 100,
    "files.info": 100,
    "apps.connections.open": 20,
}
"""Calls a minute, by method. Saying something has a rule of its own: one a second and place."""
