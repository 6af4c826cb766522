"""Ten minutes in which nobody listens, and what each platform does about them (F7).

Slack comes again at once, after a minute and after five, then never; its histories are asked.
Telegram keeps coming. Twilio comes once; its list is asked. What people wrote is in the end in the
transcripts: all of it, once, in the order of writing, and marked as late.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import redis
from everywhere import PHONE, Platforms, Process, on_slack

from segue.engine import summary
from segue.memory.embedded import Embedded
from segue.testing.clock import FakeClock
from segue.types import Address, Line, Who

MINUTE = 60.0


async def pass_time(clock: FakeClock, seconds: float) -> None:
    """Let time pass for platforms and bot, a few seconds at a time."""
    end = clock.monotonic() + seconds
    while clock.monotonic() < end:
        clock.move(2.5)
        # Whoever woke gets real time for what they do over HTTP.
        await asyncio.sleep(0.012)


def words(lines: list[Line]) -> list[str]:
    """Return what the customer said."""
    return [line.text for line in lines if line.who is Who.CUSTOMER]


class People:
    """One person on each platform."""

    def __init__(self, platforms: Platforms) -> None:
        self.platforms = platforms
        self.tele = platforms.telegram.customer("Tele")
        self.sally = platforms.slack.person("Sally")
        self.phone = platforms.twilio.phone(PHONE)
        self.addresses = {
            "telegram": Address("telegram", str(self.tele.id)),
            "slack": on_slack(platforms.slack, self.sally.user),
            "sms": Address("sms", PHONE),
            "whatsapp": Address("whatsapp", PHONE),
        }
        self.wrote: dict[str, list[str]] = {name: [] for name in self.addresses}
        self._under_way: set[asyncio.Task[Any]] = set()

    def write(self, channel: str, text: str) -> None:
        """Write; the platform's tries go on by themselves."""
        self.wrote[channel].append(text)
        if channel == "telegram":
            self.tele.write(text)
            return
        saying = (
            self.sally.write(text)
            if channel == "slack"
            else self.phone.write(text, whatsapp=channel == "whatsapp")
        )
        task: asyncio.Task[Any] = asyncio.ensure_future(saying)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    def write_all(self, text: str) -> None:
        """Write on every channel."""
        for channel in self.addresses:
            self.write(channel, f"{text} by {channel}")

    async def all_there(self, here: Process) -> bool:
        """Whether everything that was written is in the transcripts."""
        for channel, address in self.addresses.items():
            if set(self.wrote[channel]) - set(words(await here.lines(address))):
                return False
        return True


async def test_after_ten_minutes_nothing_is_lost_and_nothing_twice(
    open_process: Callable[..., Any], valkey: Embedded, store_prefix: str
) -> None:
    """Down for ten minutes, on four channels, and Twilio does not answer when it is asked first."""
    clock = FakeClock()
    async with Platforms(clock=clock) as platforms:
        people = People(platforms)
        before = await open_process(platforms, clock=clock)
        await pass_time(clock, 5)
        people.write_all("hello before")
        await before.rest()
        assert await people.all_there(before)
        port = int(before.base.rpartition(":")[2])
        await before.stop()

        down = clock.monotonic()
        await pass_time(clock, 20)
        people.write_all("how long does delivery take?")
        await pass_time(clock, 2 * MINUTE)
        people.write_all("and what does it cost?")
        await pass_time(clock, 6 * MINUTE)
        people.write_all("are you still there?")
        await pass_time(clock, 10 * MINUTE - (clock.monotonic() - down))
        # As every process: it asks soon after its start, and the first time in vain.
        platforms.twilio.suspended = True
        after = await open_process(platforms, clock=clock, port=port)
        await pass_time(clock, 30)
        platforms.twilio.suspended = False
        late = clock.now()
        people.write_all("hello again")
        await pass_time(clock, 8 * MINUTE)
        await after.rest()
        # Slack's last try of what was written at the end comes when all is known already.
        await pass_time(clock, 8 * MINUTE)
        await after.rest()

        for channel, address in people.addresses.items():
            lines = await after.lines(address)
            assert sorted(words(lines)) == sorted(people.wrote[channel]), channel
            asked = [line.at for line in lines if line.who is Who.CUSTOMER]
            assert sum(at < late.timestamp() * 1000 for at in asked) >= 4, "times of writing"
            assert sum(line.who is Who.BOT for line in lines) >= 3, channel
        # Telegram keeps the order by itself.
        assert words(await after.lines(people.addresses["telegram"])) == people.wrote["telegram"]
        brought = after.app.catch_up.brought
        assert brought[("sms",)] == brought[("whatsapp",)] == 3
        assert brought[("slack",)] >= 1
        hooks = [hook for hook in platforms.slack.hooks if b"are you still" in hook.body]
        assert hooks[0].statuses[:2] == [0, 0]
        assert hooks[0].delivered, "the copy was taken, and had no effect"

        with redis.Redis(unix_socket_path=str(valkey.socket)) as client:
            keys = client.scan_iter(match=f"{store_prefix}*:events", count=1000)
            told = [fields for key in keys for _, fields in client.xrange(key)]
        turns = [summary.decode(fields[b"event"]) for fields in told if b"event" in fields]
        marked = dict.fromkeys(people.addresses, 0)
        for turn in turns:
            marked[turn.channel] += turn.late
        assert marked == {"telegram": 3, "slack": 3, "sms": 3, "whatsapp": 3}
