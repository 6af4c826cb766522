"""What Twilio's answers and error codes mean for us. Pure.

Codes are documented at https://www.twilio.com/docs/api/errors (each has a page of its number).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import timedelta

from segue.channel import NotSent, Outcome, Reason, Sent, Unknown

_SENT = re.compile(r"(?:SM|MM)[0-9a-f]{32}")

_REASONS: dict[Reason, tuple[int, ...]] = {
    Reason.OPTED_OUT: (21610, 63051),
    Reason.BLOCKED: (30004, 63032),
    # No such number, a landline, a country we may not send to, a phone that is off.
    Reason.NO_ADDRESS: (
        *(21211, 21214, 21217, 21265, 21408, 21612, 21614, 21635),
        *(30003, 30005, 30006, 63003, 63024),
    ),
    # A body or a picture that will not do, or that the carrier's filter holds back.
    Reason.CONTENT: (
        *(11751, 12300, 19001, 21602, 21605, 21617, 21619, 21620, 21622, 21623),
        *(30007, 30019, 30453, 63005, 63013, 63021, 63027, 63028),
    ),
    Reason.WINDOW: (63016, 63112),
    # Token, account or sender of ours: nothing goes out until that is mended.
    Reason.CREDENTIAL: (
        *(20003, 20004, 20005, 20006, 20008, 20010, 20404, 21603, 21606, 21659, 21660, 21703),
        *(21704, 21705, 30002, 30032, 30034, 63001, 63007, 63038),
    ),
}
REASONS = {code: reason for reason, codes in _REASONS.items() for code in codes}
"""Error code → what follows from it. What is not here is refused, and nothing follows."""

LATER: dict[int, float] = {
    14107: 30.0,
    20429: 1.0,
    20503: 5.0,
    21611: 60.0,
    30001: 60.0,
    63017: 1.0,
    63018: 1.0,
}
"""Error code → seconds, where nothing names them. 14107: thirty replies to one number in thirty
seconds; 21611 and 30001: the sender's queue is full."""


def reason_of(code: str) -> Reason:
    """Return what an error code, as it stands in a form, means."""
    return REASONS.get(int(code), Reason.OTHER) if re.fullmatch(r"\d{4,6}", code) else Reason.OTHER


def outcome(
    status: int, body: str, headers: Mapping[str, str], *, account: str, number: str
) -> Outcome:
    """Return what an answer to a send means; `account` and `number` are buckets to pause."""
    told = _told(body)
    if status in (200, 201):
        sid = told.get("sid")
        # It says that it took it, but not under which id.
        return Sent(id=sid) if isinstance(sid, str) and _SENT.fullmatch(sid) else Unknown(why="sid")
    code = told.get("code")
    code = code if type(code) is int else 0
    why = f"twilio_{code}" if code else f"http_{status}"
    if status == 429 or code in LATER:
        pause = {14107: "", 21611: number, 30001: number}.get(code, account)
        return NotSent(
            why=why,
            permanent=False,
            retry_after=timedelta(seconds=_after(headers, LATER.get(code, 1.0))),
            pause=pause,
        )
    if status >= 500 or status < 400:
        # Who answers such a thing may have taken it before.
        return Unknown(why=why)
    reason = REASONS.get(code, Reason.OTHER)
    if status in (401, 403) and not code:
        reason = Reason.CREDENTIAL
    return NotSent(why=why, permanent=True, reason=reason)


def _told(body: str) -> dict[str, object]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _after(headers: Mapping[str, str], preset: float) -> float:
    written = next((v for k, v in headers.items() if k.lower() == "retry-after"), "")
    return min(max(float(written), 0.1), 3600.0) if re.fullmatch(r"\d{1,6}", written) else preset
