"""What the company tells of a customer: facts, and what was said by phone or in a shop.

The rules of facts:

- What the company knows fills what is not known, and replaces what the company said before, unless
  it is older than that.
- What the customer has told us stays. The company replaces it only by saying that it corrects it
  (`correct`); what the customer has proved (signed in, verified) not even then.
- The company may take back (null) only what it said itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from segue.engine import linked, outreach
from segue.engine.state import Fact, State
from segue.types import Inbound, Line, Millis, Who

if TYPE_CHECKING:
    from segue.engine.turn import Turn

COMPANYS = frozenset({"start", "facts", "touchpoint"})
"""Kinds of letters that the company's systems write."""
KINDS = COMPANYS | linked.KINDS
"""These, and what linking tells: letters that the customer did not write."""
COMPANY = "company"
PROVED = frozenset({"signed in", "verified"})
LAST_CONTACT = "last_contact"
"""The fact that holds the latest phone call or visit."""


class Told(Struct, kw_only=True):
    """What a turn has to tell the company, beside its summary."""

    started: list[str] = field(default_factory=list)
    """Ids of starts whose dialog has begun."""
    dropped: list[tuple[str, str]] = field(default_factory=list)
    """Ids of starts that never will, and why."""


def learn(
    profile: dict[str, Fact],
    facts: Mapping[str, Any],
    *,
    at: Millis,
    source: str = COMPANY,
    channel: str = "api",
    correct: Collection[str] = (),
) -> list[str]:
    """Bring facts into a profile by the rules above; return the names that changed."""
    changed = []
    for name, value in facts.items():
        known = profile.get(name)
        if known is not None and not _may_replace(known, at, name in correct):
            continue
        if value is None:
            if known is not None:
                del profile[name]
                changed.append(name)
        elif known is None or known.value != value or known.source != source:
            profile[name] = Fact(value, at, channel, source)
            changed.append(name)
    return changed


def _may_replace(known: Fact, at: Millis, corrects: bool) -> bool:
    if known.source.partition(":")[0] == COMPANY:
        return known.at <= at
    return corrects and known.source not in PROVED


def changes(before: Mapping[str, Fact], after: Mapping[str, Fact]) -> list[str]:
    """Return the names of facts that are new, other or gone."""
    return [
        name
        for name in {**before, **after}
        if (a := before.get(name)) is not (b := after.get(name))
        and (a is None or b is None or a.value != b.value)
    ]


def lines(inbound: Inbound) -> Iterable[Line]:
    """Return the lines of the transcript that a touchpoint is."""
    data = inbound.data
    common = {"at": data["at"], "channel": data["channel"]}
    for part, who in (("wanted", Who.SYSTEM), ("summary", Who.SYSTEM), ("promised", Who.AGENT)):
        if data.get(part):
            yield Line(who=who, text=data[part], id=f"{inbound.message_id}.{part}", **common)


def heard(turn: Turn, inbound: Inbound) -> None:
    """Take what the company said from the inbox."""
    state, data = turn.state, inbound.data
    if inbound.kind == "start":
        outreach.heard(turn, inbound)
        return
    if inbound.kind == "touchpoint":
        _touched(state, data)
    at = int(data.get("at") or turn.at)
    source = str(data.get("source", COMPANY))
    learn(
        state.profile,
        data.get("facts", {}),
        at=at,
        source=source,
        channel=data.get("channel") or "api",
        correct=data.get("correct", ()),
    )
    if data.get("name") and not state.name:
        state.name = str(data["name"])
    if data.get("locale") and state.address is None:
        state.locale = turn.known_locale(str(data["locale"])) or state.locale
    if data.get("settles"):
        # What was asked of the company has come: the reminder to ask again goes.
        state.timers[:] = [t for t in state.timers if t.instance != data["settles"]]


def _touched(state: State, data: Mapping[str, Any]) -> None:
    """Keep the latest contact as a fact: a dialog that begins next knows what it was about."""
    known = state.profile.get(LAST_CONTACT)
    if known is not None and known.at > data["at"]:
        return
    kept = {
        name: data[name]
        for name in ("channel", "at", "summary", "wanted", "promised", "by")
        if data.get(name)
    }
    state.profile[LAST_CONTACT] = Fact(kept, data["at"], data["channel"], COMPANY)
