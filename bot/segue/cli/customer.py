"""`segue customer`: one customer as an operator sees them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from segue.cli.common import Group, printable, read_settings, with_settings
from segue.cli.customer_acts import COMMANDS

if TYPE_CHECKING:
    from segue.consent import Noted
    from segue.engine.state import Frame, State
    from segue.media import Links
    from segue.memory import Got, Snapshot, Store
    from segue.settings import Settings
    from segue.types import CustomerId, Line


@click.group(cls=Group)
def customer() -> None:
    """Look at one customer; link, unlink, export, erase."""


for _command in COMMANDS:
    customer.add_command(_command)


@customer.command()
@click.argument("who", metavar="ID")
@click.option("--lines", default=20, show_default=True, help="How much of the transcript.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@with_settings
def show(who: str, lines: int, as_json: bool, config: Path | None) -> None:
    """Print profile, open dialog and transcript of the customer ID.

    ID is what the logs call the customer, or an address: sms:+43660123456, telegram:12345.
    What you see is personal data: treat it as such.
    """
    found = asyncio.run(_read(who, lines, config))
    if found is None:
        raise click.ClickException(
            f"there is no customer {who}. Ids are in the logs; an address is CHANNEL:ADDRESS."
        )
    if as_json:
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        _print(found)


async def _read(who: str, limit: int, config: Path | None) -> dict[str, Any] | None:
    from segue.cli.store import memory
    from segue.engine.state import decode

    settings = read_settings(config)
    async with memory(settings) as store:
        ident = await _find(store, who)
        snapshot = await store.snapshot(ident) if ident else None
        if snapshot is None:
            return None
        state = decode(snapshot.state)
        return {
            **_facts(snapshot, state),
            "consent": [_consent(noted) for noted in await store.consents(snapshot.customer)],
            "open": [_frame(frame) for frame in state.frames],
            "transcript": await _transcript(store, snapshot.customer, limit, _links(settings)),
        }


async def _find(store: Store, who: str) -> CustomerId | None:
    from segue.types import Address

    channel, separator, ident = who.partition(":")
    found = await store.owner(Address(channel, ident)) if separator else who
    # Who was merged into another is that one now.
    return await store.who(found) if found else None


def _facts(snapshot: Snapshot, state: State) -> dict[str, Any]:
    return {
        "customer": snapshot.customer,
        "name": state.name,
        "locale": state.locale,
        "turns": state.turn,
        "answered_by": snapshot.controller or "the bot",
        "addresses": [
            {"channel": address.channel, "id": address.id, "proof": proof.name.lower()}
            for address, proof in snapshot.addresses
        ],
        "opted_out": sorted(snapshot.opted_out),
        "waiting": snapshot.waiting,
        "unsent": snapshot.unsent,
        "unreachable": sorted({address.channel for address in snapshot.unreachable}),
        "profile": {
            name: {
                "value": fact.value,
                "learned": _when(fact.at),
                "channel": fact.channel,
                "source": fact.source,
            }
            for name, fact in state.profile.items()
        },
        "timers": [
            {"due": _when(timer.due), "kind": timer.kind, "reply": timer.reply}
            for timer in state.timers
        ],
    }


def _consent(noted: Noted) -> dict[str, Any]:
    from segue.voice import plain

    return {
        "at": _when(noted.at),
        "channel": noted.channel,
        "what": noted.what,
        "how": noted.how,
        "shown": plain(noted.shown) if noted.shown is not None else "",
    }


def _frame(frame: Frame) -> dict[str, Any]:
    return {
        "dialog": frame.dialog,
        "kind": frame.kind,
        "began": _when(frame.started),
        "question": frame.open.reply if frame.open else "",
        "tries": frame.open.tries if frame.open else 0,
    }


def _links(settings: Settings) -> Links:
    from segue.media import media_links
    from segue.ports import SystemClock

    return media_links(
        settings.media,
        data_dir=settings.store.data_dir,
        public_url=settings.server.public_url,
        clock=SystemClock(),
    )


async def _transcript(
    store: Store, customer: CustomerId, limit: int, links: Links
) -> list[dict[str, Any]]:
    import msgspec

    from segue.engine.transcript import interleaved
    from segue.types import Line

    _, last = await store.lines(customer, 2**53, 1)
    found, _ = await store.lines(customer, max(last - limit, -1), limit)
    decode = msgspec.msgpack.Decoder(Line).decode
    got = await store.got(customer)
    lines = interleaved((number, decode(data)) for number, data in found)
    return [_line(number, line, links, got) for number, line in lines]


def _line(number: int, line: Line, links: Links, got: Mapping[str, Got]) -> dict[str, Any]:
    from segue.memory.outgoing import of_line
    from segue.voice import plain

    became = of_line(got, line.id) if line.message is not None else None
    return {
        "n": number,
        "at": _when(line.at),
        "channel": line.channel,
        "who": line.who.value,
        "text": plain(line.message) if line.message is not None else line.text,
        "reply": line.reply,
        "id": line.id,
        "changes": line.changes,
        "receipt": became.receipt.value if became else "",
        "why": became.why if became else "",
        "instead": became.instead if became else "",
        "attachments": [
            # Without a public address nobody could open a link; what it is can be said.
            {"kind": media.kind.value, "link": links.url(line.channel, media)}
            for media in line.media
        ],
    }


def _when(millis: int) -> str:
    from segue.ports import from_millis

    return from_millis(millis).isoformat(timespec="seconds") if millis else ""


# -- printing --------------------------------------------------------------------------------------


def _print(found: dict[str, Any]) -> None:
    name = f"  {found['name']}" if found["name"] else ""
    click.secho(f"{found['customer']}{printable(name)}", bold=True)
    for address in found["addresses"]:
        click.echo(printable(f"  {address['channel']}:{address['id']}  ({address['proof']})"))
    click.echo(f"  {found['turns']} turns, answered by {found['answered_by']}")
    for word, what in (("waiting", "unanswered messages"), ("unsent", "replies not yet sent")):
        if found[word]:
            click.echo(f"  {found[word]} {what}")
    if found["unreachable"]:
        click.echo(f"  cannot be reached by {', '.join(found['unreachable'])}")
    if found["opted_out"]:
        click.echo(f"  opted out of {', '.join(found['opted_out'])}")
    for noted in found["consent"]:
        what = f"{noted['channel']} {noted['what']} ({noted['how']}) {noted['shown']}"
        click.echo(printable(f"  {_short(noted['at'])}  {what.rstrip()}"))
    _heading("Profile", found["profile"])
    for fact, known in found["profile"].items():
        source = f"{known['source']}, {known['channel']}, {_short(known['learned'])}"
        click.echo(printable(f"  {fact}: {known['value']}  ({source})"))
    _heading("Open", found["open"] or found["timers"])
    for frame in found["open"]:
        tries = f", {frame['tries']} answers not understood" if frame["tries"] else ""
        question = f" waits for {frame['question']}{tries}" if frame["question"] else ""
        click.echo(f"  {frame['dialog']}{question}")
    for timer in found["timers"]:
        click.echo(f"  {timer['kind']} {timer['reply']} at {_short(timer['due'])}")
    _heading("Transcript", found["transcript"])
    for line in found["transcript"]:
        text = _said(line).replace("\n", "\n" + " " * 37)
        click.echo(f"  {_short(line['at'])}  {line['channel']:<8} {line['who']:<8} {text}")
        if became := _became(line):
            click.echo(" " * 37 + became)
        for each in line["attachments"]:
            click.echo(" " * 37 + f"[{each['kind']}] {each['link']}".rstrip())


def _said(line: dict[str, Any]) -> str:
    text = printable(line["text"])
    if not line["changes"]:
        return text
    before = printable(line["changes"])
    return f"(message {before} changed) {text}" if text else f"(message {before} deleted)"


def _became(line: Mapping[str, Any]) -> str:
    """Return what is more, or less, than sent."""
    if line["receipt"] in ("", "sent"):
        return ""
    why = f": {line['why']}" if line["why"] else ""
    instead = f", sent by {line['instead']} instead" if line["instead"] else ""
    return printable(f"({line['receipt']}{why}{instead})")


def _heading(text: str, content: object) -> None:
    click.secho(f"\n{text}", bold=True)
    if not content:
        click.echo("  nothing")


def _short(moment: str) -> str:
    return datetime.fromisoformat(moment).strftime("%d.%m. %H:%M") if moment else ""
