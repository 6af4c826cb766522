"""One turn in the memory: admit, commit, and what may come between them."""

from __future__ import annotations

from segue.memory import Commit, Committed, Granted, Store
from segue.types import Address, Inbound

ADDRESS = Address("web", "a1")
ADA = "ada" + "0" * 19


def said(number: int) -> Inbound:
    return Inbound(address=ADDRESS, message_id=f"m{number}", text=f"message {number}")


async def test_a_turn_is_two_round_trips(store: Store) -> None:
    """A message is stored and its turn committed with one call each, also the very first."""
    before = store.server.tally.copy()
    granted = await store.admit(ADA, said(1), create=True)
    assert isinstance(granted, Granted)
    done = await store.commit(granted.lease, Commit(state=b"s", ack=1, log=(b"one", b"two")))
    assert isinstance(done, Committed)
    spent = store.server.tally - before
    del spent["pause"]  # looked at every second, by the process and not by the turn
    assert spent == {"admit": 1, "commit": 1}
