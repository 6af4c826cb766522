"""What Slack's answers mean for a send. A table, and two functions that read it.

Three outcomes: surely not taken (`NotSent`), taken (`Sent`), and nobody knows (`Unknown`), which
`conversations.history` may settle later.
"""

from __future__ import annotations

from datetime import timedelta

import aiohttp
from slack_sdk.errors import SlackApiError

from segue.channel import NotSent, Outcome, Reason, Unknown

_REASONS: dict[str, Reason] = {
    **dict.fromkeys(
        (
            "account_inactive",
            "invalid_auth",
            "not_authed",
            "token_expired",
            "token_revoked",
            "missing_scope",
            "no_permission",
            "not_allowed_token_type",
            "org_login_required",
            "team_access_not_granted",
            "access_denied",
            "ekm_access_denied",
            "two_factor_setup_required",
        ),
        Reason.CREDENTIAL,
    ),
    **dict.fromkeys(
        (
            "channel_not_found",
            "user_not_found",
            "user_disabled",
            "user_not_visible",
            "cannot_dm_bot",
            "is_archived",
            "not_in_channel",
            "user_not_in_channel",
            "method_not_supported_for_channel_type",
            "messages_tab_disabled",
            "restricted_action",
            "restricted_action_read_only_channel",
        ),
        Reason.NO_ADDRESS,
    ),
    **dict.fromkeys(
        (
            "invalid_blocks",
            "invalid_blocks_format",
            "msg_blocks_too_long",
            "msg_too_long",
            "no_text",
            "metadata_too_large",
            "cannot_parse_attachment",
        ),
        Reason.CONTENT,
    ),
}

_LATER = frozenset(
    {
        "ratelimited",
        "rate_limited",
        "message_limit_exceeded",
        "service_unavailable",
        "request_timeout",
        "team_added_to_org",
    }
)
"""Not taken, and likely to be taken in a while."""

_UNSURE = frozenset({"fatal_error", "internal_error"})
"""Slack says of these that part of it may have been done."""

PLAIN = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"})
"""The blocks are at fault: the words alone may do."""


def code_of(error: SlackApiError) -> str:
    """Return Slack's word for what went wrong, or `http_STATUS`."""
    response = error.response
    data = getattr(response, "data", None)
    if isinstance(data, dict) and isinstance(data.get("error"), str):
        return str(data["error"])
    status = getattr(response, "status_code", None) or getattr(response, "status", 0)
    return f"http_{status}"


def outcome(error: Exception, *, sending: bool, pause: str = "") -> Outcome:
    """Return what an error means. `sending` is false for calls that show nothing to anybody.

    `pause` is the bucket that a "too fast" is about.
    """
    found = _outcome(error, pause)
    if isinstance(found, Unknown) and not sending:
        return NotSent(why=found.why, permanent=False)
    return found


def _outcome(error: Exception, pause: str) -> Outcome:
    if isinstance(error, SlackApiError):
        code = code_of(error)
        if code in ("ratelimited", "rate_limited", "http_429"):
            return NotSent(
                why="too_fast", permanent=False, retry_after=_retry_after(error), pause=pause
            )
        if code in _LATER:
            return NotSent(why=code, permanent=False)
        if code in _UNSURE or code.startswith("http_"):
            return Unknown(why=code)
        reason = _REASONS.get(code, Reason.OTHER)
        # Not the reply is at fault where a token is: it goes out when that is mended in time.
        return NotSent(why=code, permanent=reason is not Reason.CREDENTIAL, reason=reason)
    name = type(error).__name__
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.InvalidURL):
        return NotSent(why=name, permanent=False)
    return Unknown(why=name)


def _retry_after(error: SlackApiError) -> timedelta:
    headers = getattr(error.response, "headers", None) or {}
    written = next((headers[key] for key in headers if key.lower() == "retry-after"), "")
    text = str(written)
    return timedelta(seconds=int(text) if text.isdigit() and len(text) < 6 else 1)
