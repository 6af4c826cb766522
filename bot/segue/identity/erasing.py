"""Forgetting a customer: nothing is left but a line of the audit, and a mark that holds no words.

- First they are fenced: a turn that runs cannot land, nothing queued is sent, nobody is let in. A
  message that comes after that starts a new customer, whom nobody knows.
- Then what lies elsewhere goes: the index of their addresses, parked messages, entries of events,
  files, and who had been merged into them. Last their own keys.
- Each step may be done again, and whoever finds an erasure half done goes on with it.

What cannot be reached from here is said in `docs/personal-data.md`: backups, what platforms keep,
copies of files on other machines (they end by themselves).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

import msgspec

from segue.channel import Adapter
from segue.failpoints import failpoint
from segue.identity.merging import Merging
from segue.media import MediaRoom
from segue.memory import Gone, Moved, Store
from segue.memory.erasures import Begun
from segue.memory.merge_records import Held
from segue.types import CustomerId, Line, Media

_line = msgspec.msgpack.Decoder(Line).decode
_TRIES = 8


@runtime_checkable
class Keeping(Protocol):
    """An adapter that keeps something about customers itself: files, mostly."""

    async def forget(self, customer: CustomerId, media: Sequence[Media]) -> None:
        """Remove all of a customer; `media` are the attachments of their transcript here."""
        ...


class Erasing:
    """Erases customers of one installation."""

    def __init__(
        self,
        store: Store,
        merging: Merging,
        *,
        adapters: Callable[[], Mapping[str, Adapter]],
        media: MediaRoom | None = None,
    ) -> None:
        self.store = store
        self._merging = merging
        self._adapters = adapters
        self._media = media

    async def erase(self, customer: CustomerId, *, actor: str) -> bool:
        """Forget a customer, whoever was merged into them too; False if there is no such one.

        May be called inside a turn of theirs: the turn is fenced, what it was about to say is not
        said. So a farewell has to be sent before.
        """
        for _ in range(_TRIES):
            begun = await self.store.erase_begin(customer, actor)
            match begun:
                case Gone():
                    return False
                case Moved(to=to):
                    customer = to
                case Held(intent=intent):
                    # Half merged is not a state to forget: it is finished first, or called off.
                    await self._merging.settle(intent)
                case Begun():
                    await self._go_on(customer, begun)
                    return True
        return False

    async def resume(self, customer: CustomerId) -> None:
        """Go on with what somebody began; `Store.take` says so."""
        await self.erase(customer, actor="")

    async def _go_on(self, customer: CustomerId, begun: Begun) -> None:
        failpoint("erase_begun")
        everybody = [customer, *begun.joined]
        await self._files(everybody, await self._attached(customer))
        for address in begun.addresses:
            for owner in everybody:
                await self.store.unindex(address, owner)
        await self.store.erase_traces(everybody)
        await self.store.forget_events(everybody)
        failpoint("erase_traces")
        for other in begun.joined:
            await self.store.erase_finish(other)
        await self.store.audit("customer.erase", actor=begun.actor, customer=customer)
        await self.store.erase_finish(customer)
        failpoint("erase_finished")

    async def _attached(self, customer: CustomerId) -> list[tuple[str, Media]]:
        found: list[tuple[str, Media]] = []
        after = -1
        while True:
            lines, after = await self.store.lines(customer, after, 500)
            if not lines:
                return found
            for _, data in lines:
                line = _line(data)
                found += [(line.channel, media) for media in line.media]

    async def _files(self, customers: list[CustomerId], attached: list[tuple[str, Media]]) -> None:
        if self._media is not None:
            await self._media.forget(attached)
        for name, adapter in self._adapters().items():
            if isinstance(adapter, Keeping):
                theirs = [media for channel, media in attached if channel == name]
                for customer in customers:
                    await adapter.forget(customer, theirs)
