"""The company writes first: a dialog that one of its systems starts with a customer.

The rules it lives by:

- A start comes through the inbox like a message (`kind="start"`), so it is stored before it is
  accepted, happens once, and takes its turn among what the customer writes. In the state it is a
  timer: what cannot begin now begins later, whatever dies in between.
- It joins the one conversation. While a question is open it waits, until that journey has ended or
  has been silent for a while; then it says so (`by_the_way`) and begins beside it.
- While an agent speaks, or the dialog or channel is paused, it waits.
- It goes to the channel that was asked for, else where the customer wrote last, else to another
  one that can be written to. Never to one that opted out, never to one that is less sure than the
  dialog requires, never to one without proof, unless the company itself gave it with a basis of
  consent.
- In quiet hours it waits until they end; who is writing at this moment is not asleep.
- After `LIFE` it is dropped, and the company is told why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct

from segue.channel import Capabilities
from segue.dialog import Dialog
from segue.dialog.plain import from_plain
from segue.engine.setup import Note
from segue.engine.state import Frame, State, Timer
from segue.engine.timers import set_timer
from segue.ports import to_millis
from segue.types import Address, Inbound, Millis, Proof, Purpose

if TYPE_CHECKING:
    from segue.engine.turn import Turn

KIND = "start"
LIFE = timedelta(days=3)
AGAIN = timedelta(minutes=10)
"""When it is tried again where nothing says when it could begin."""
UNREACHABLE = timedelta(hours=1)
"""The same where no address may be written to: they may come by themselves."""
_LEAD = "by_the_way"
_DEPTH = 4
"""Journeys on top of each other up to which one more may begin."""


class Later(Struct, frozen=True):
    """Not now; look again then."""

    at: Millis


class Dropped(Struct, frozen=True):
    """It will not begin any more. `why`: `no_such_dialog`, `values`, `too_late`, `unreachable`."""

    why: str


class Scene(Struct, frozen=True, kw_only=True):
    """What a start meets: everything the decision depends on."""

    at: Millis
    agent: bool = False
    """An agent speaks now."""
    paused: bool = False
    """The dialog is paused."""
    writing: Address | None = None
    """Where the customer is writing in this very turn."""
    last: Address | None = None
    """Where they wrote last."""
    frames: Sequence[Frame] = ()
    addresses: Sequence[tuple[Address, Proof]] = ()
    opted_out: frozenset[str] = frozenset()
    capabilities: Mapping[str, Capabilities] = {}
    require: Proof = Proof.CLAIMED
    """How sure the dialog wants to be of the address."""
    silence: timedelta = timedelta(minutes=30)
    quiet: Callable[[Address], datetime | None] = lambda _address: None
    """Until when nobody is written to at this address, or None."""
    channel_paused: Callable[[str], bool] = lambda _channel: False


Decision: TypeAlias = Address | Later | Dropped


def start_timer(inbound: Inbound, at: Millis) -> Timer:
    """Return the timer that an accepted start becomes: due now."""
    data = inbound.data
    kept = {"values": data.get("values", {}), "since": at, "given": data.get("given")}
    return Timer(at, KIND, str(data["id"]), "", str(data.get("channel", "")), data["dialog"], kept)


def fits(dialog: Dialog[Any] | None, values: Mapping[str, Any]) -> str | None:
    """Return why the dialog cannot begin with these values, as a sentence, or None."""
    if dialog is None:
        return "There is no dialog of this name."
    try:
        dialog.check(values)
    except TypeError as error:
        return f"{error}."
    for name, value in values.items():
        try:
            from_plain(value, dialog.parameters[name].kind)
        except (TypeError, ValueError):
            return f"{dialog.name} does not take this value for {name}."
    return None


def decide(timer: Timer, scene: Scene) -> Decision:
    """Return where the dialog begins, or when to look again, or that it never will."""
    held = _held(timer, scene)
    if held is not None:
        return held
    if scene.writing is not None and scene.writing.channel not in scene.opted_out:
        return scene.writing
    address = target(timer, scene)
    late = scene.at - timer.values["since"] > LIFE / timedelta(milliseconds=1)
    if address is None:
        return Dropped("unreachable") if late else Later(scene.at + _ms(UNREACHABLE))
    if late:
        return Dropped("too_late")
    if scene.channel_paused(address.channel):
        return Later(scene.at + _ms(AGAIN))
    if _pushed(address, scene):
        until = scene.quiet(address)
        if until is not None:
            return Later(to_millis(until))
    return address


def _held(timer: Timer, scene: Scene) -> Later | Dropped | None:
    if scene.agent or scene.paused or len(scene.frames) >= _DEPTH:
        if scene.at - timer.values["since"] > _ms(LIFE):
            return Dropped("too_late")
        return Later(scene.at + _ms(AGAIN))
    top = scene.frames[-1] if scene.frames else None
    if top is None or top.open is None or not top.open.reply:
        return None
    silent = top.open.asked + _ms(scene.silence)
    if scene.writing is not None or silent > scene.at:
        return Later(max(silent, scene.at + _ms(scene.silence) if scene.writing else 0))
    return None


def target(timer: Timer, scene: Scene) -> Address | None:
    """Return where to write to, or None if there is no such address."""
    given = Address(*timer.values["given"]) if timer.values.get("given") else None
    usable = [
        address
        for address, proof in scene.addresses
        if address.channel in scene.capabilities
        and address.channel not in scene.opted_out
        and (proof >= Proof.CHANNEL or address == given)
        and proof >= scene.require
    ]
    if timer.reply:
        usable = [address for address in usable if address.channel == timer.reply]
    if not usable:
        return None

    def rank(address: Address) -> tuple[bool, bool, bool]:
        # A page cannot be written to first: what is said there is seen when they come back.
        return (_pushed(address, scene), address == given, address == scene.last)

    return max(reversed(usable), key=rank)


def _pushed(address: Address, scene: Scene) -> bool:
    return scene.capabilities[address.channel].push


def _ms(span: timedelta) -> int:
    return int(span.total_seconds() * 1000)


# -- in a turn -------------------------------------------------------------------------------------


def heard(turn: Turn, inbound: Inbound) -> None:
    """Take a start from the inbox."""
    set_timer(turn.state, start_timer(inbound, turn.at))


async def ring(turn: Turn, timer: Timer) -> None:
    """Begin the dialog of a start that is due, or put it off."""
    setup, state = turn.setup, turn.state
    dialog = setup.dialogs.get(timer.dialog)
    if fits(dialog, timer.values["values"]) is not None:
        why = "no_such_dialog" if dialog is None else "values"
        turn.told.dropped.append((timer.instance, why))
        return
    match decide(timer, _scene(turn, timer)):
        case Later(at=at):
            timer.due = at
            state.timers.append(timer)
        case Dropped(why=why):
            turn.told.dropped.append((timer.instance, why))
        case Address() as address:
            await _begin(turn, timer, address)


async def ring_waiting(turn: Turn) -> None:
    """Begin what has waited for this journey to end."""
    if turn.granted.controller or turn.written_at is None:
        return
    while not turn.state.frames:
        waiting = [t for t in turn.state.timers if t.kind == KIND and t.due > turn.at]
        if not waiting:
            return
        first = min(waiting, key=lambda timer: timer.values["since"])
        turn.state.timers.remove(first)
        await ring(turn, first)
        if first in turn.state.timers:
            return


async def _begin(turn: Turn, timer: Timer, address: Address) -> None:
    state, speech = turn.state, turn.speech
    if address != turn.written_at:
        speech.turn_to(address, turn.setup.capabilities[address.channel])
        turn.hearing = address
        # What this dialog says later, it says here too.
        state.address = address
    if (state.frames or speech.messages) and speech.has(_LEAD):
        speech.say(_LEAD)
    turn.told.started.append(timer.instance)
    turn.notes.append(Note(kind="routed", values={"intent": timer.dialog, "how": "company"}))
    await turn.player.start(
        timer.dialog,
        utterance="",
        values=dict(timer.values["values"]),
        aside=bool(state.frames),
    )


def _scene(turn: Turn, timer: Timer) -> Scene:
    setup, state, granted = turn.setup, turn.state, turn.granted
    return Scene(
        at=turn.at,
        agent=bool(granted.controller),
        paused=turn.player.brake.on(timer.dialog) is not None,
        writing=turn.written_at,
        last=state.address,
        frames=state.frames,
        addresses=[(address, turn.standing.of(address)) for address, _ in granted.addresses],
        require=setup.dialogs[timer.dialog].require,
        opted_out=granted.opted_out,
        capabilities=setup.capabilities,
        silence=setup.silence,
        quiet=lambda address: setup.company.quiet_until(address, turn.now),
        channel_paused=lambda channel: setup.paused("channel", channel) is not None,
    )


def purpose(*, theirs: bool) -> Purpose:
    """Return why a turn speaks: it answers, or nobody has asked and it writes first."""
    return Purpose.ANSWER if theirs else Purpose.PROACTIVE


def waiting(state: State) -> list[Timer]:
    """Return the starts that have not begun, for whoever shows a customer."""
    return [timer for timer in state.timers if timer.kind == KIND]
