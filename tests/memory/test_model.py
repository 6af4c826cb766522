"""The inbox, the lease and the commit against a model that fits on one page.

Messages come, come again, turns begin, go on, die, come back from the dead and commit too late, and
any call may be made twice. Whatever the order, the store answers as the model says:

- a message is answered at most once, in order, or parked with a reason, and never lost;
- versions have no gaps, and each was written by whoever had the lease at that moment.
"""

from __future__ import annotations

import asyncio
from itertools import count
from typing import Any

import redis
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from segue.memory import (
    Busy,
    Commit,
    Committed,
    Duplicate,
    Fenced,
    Granted,
    Idle,
    Lease,
    Limits,
    Queued,
    open_store,
)
from segue.memory.embedded import Embedded

TRIES, BATCH = 2, 3
_customers = count(1)


class Conversation(RuleBasedStateMachine):
    """One customer, any number of workers."""

    server: Embedded
    prefix: str
    hands: Any

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        limits = Limits(tries=TRIES, batch=BATCH)
        self.store = self.runner.run(
            open_store(self.server.url, prefix=self.prefix, partitions=4, limits=limits)
        )
        self.customer = f"c{next(_customers)}"
        self.runner.run(self.store.create(self.customer, self.hands.web, 2))
        self.grants: list[Lease] = []
        """Every lease ever given, also those that are over: a worker may come back with one."""
        # The model.
        self.seen: set[int] = set()
        self.accepted: list[int] = []
        self.inbox: list[int] = []
        self.answered: list[int] = []
        self.parked: list[int] = []
        self.epoch = self.version = self.tries = self.lines = 0
        self.held = self.expired = self.untold = False

    def teardown(self) -> None:
        self.runner.run(self.store.aclose())
        self.runner.close()

    def call(self, work: Any, again: bool) -> Any:
        """Run one call; with `again`, as a client whose first answer was lost."""
        run = self.store.server.run

        async def twice(*args: Any) -> Any:
            await run(*args)
            return await run(*args)

        if again:
            self.store.server.run = twice  # type: ignore[method-assign]
        try:
            return self.runner.run(work)
        finally:
            self.store.server.run = run  # type: ignore[method-assign]

    # -- what the model expects ----------------------------------------------------------------

    def numbers(self) -> list[int]:
        """The numbers of the letters in the inbox."""
        done = len(self.accepted) - len(self.inbox)
        return list(range(done + 1, len(self.accepted) + 1))

    def given(self) -> list[int]:
        """Which letters come with a lease: all that fit, or after a failure only the first."""
        return self.numbers()[: 1 if self.tries > 1 else BATCH]

    def grant(self, answer: Granted) -> None:
        """The lease is given out: check what came with it."""
        self.tries += 1
        self.epoch += 1
        self.held, self.expired = True, False
        assert answer.parked == self.untold
        self.check(answer)

    def park(self) -> None:
        """Too many turns were begun and never ended: give the first letter up."""
        if self.tries >= TRIES and self.inbox:
            self.parked.append(self.inbox.pop(0))
            self.tries, self.untold = 0, True
        elif self.tries >= TRIES and self.untold:
            self.tries, self.untold = 0, False

    def check(self, answer: Granted) -> None:
        assert (answer.lease.epoch, answer.lease.version) == (self.epoch, self.version)
        assert [letter.number for letter in answer.letters] == self.given()
        texts = [int(letter.inbound.text) for letter in answer.letters]
        assert texts == self.inbox[: len(texts)]
        assert answer.state == (b"%d" % self.version if self.version else b"")
        self.grants.append(answer.lease)

    # -- what may happen -----------------------------------------------------------------------

    @rule(message=st.integers(1, 12), again=st.booleans())
    def a_message_comes(self, message: int, again: bool) -> None:
        inbound = self.hands.said(message, text=str(message))
        answer = self.call(self.store.admit(self.customer, inbound), again)
        if message in self.seen:
            assert answer == Duplicate()
            return
        self.seen.add(message)
        self.accepted.append(message)
        self.inbox.append(message)
        if self.held and not self.expired:
            assert answer == Queued(number=len(self.accepted))
        else:
            assert isinstance(answer, Granted)
            assert answer.number == len(self.accepted)
            self.park()
            self.grant(answer)

    @rule(again=st.booleans())
    def the_sweeper_looks(self, again: bool) -> None:
        answer = self.call(self.store.take(self.customer), again)
        if self.held and not self.expired:
            assert answer == Busy()
            return
        self.park()
        if self.inbox or self.untold:
            assert isinstance(answer, Granted)
            self.grant(answer)
        else:
            assert answer == Idle()
            self.held, self.tries = False, 0

    @precondition(lambda self: self.held and not self.expired)
    @rule()
    def the_lease_runs_out(self) -> None:
        self.hands.lease_runs_out(self.store, self.customer)
        self.expired = True

    @precondition(lambda self: self.grants)
    @rule(data=st.data(), answer_all=st.booleans(), again=st.booleans(), final=st.booleans())
    def a_worker_commits(
        self, data: st.DataObject, answer_all: bool, again: bool, final: bool
    ) -> None:
        lease = data.draw(st.sampled_from(self.grants[-4:]))
        ack = (self.given() or [0])[-1 if answer_all else 0]
        commit = Commit(state=b"%d" % (lease.version + 1), ack=ack, log=(b"a", b"b"))
        land = self.store.commit if final else self.store.record
        answer = self.call(land(lease, commit), again)
        if not self.held or (lease.epoch, lease.version) != (self.epoch, self.version):
            assert answer == Fenced()
            return
        assert isinstance(answer, Committed)
        self.version += 1
        self.lines += 2
        self.expired = False
        assert (answer.version, answer.cursor) == (self.version, self.lines)
        if not final:
            self.tries = 1
            assert answer.lease is not None
            self.grants.append(answer.lease)
            return
        self.untold = False
        done = ack - (len(self.accepted) - len(self.inbox))
        if done > 0:
            self.answered += self.inbox[:done]
            self.inbox = self.inbox[done:]
        if self.inbox:
            self.tries = 1
            assert answer.more is not None
            self.check(answer.more)
        else:
            assert answer.more is None
            self.held, self.tries = False, 0

    @precondition(lambda self: self.grants)
    @rule(data=st.data(), again=st.booleans())
    def a_worker_hands_back(self, data: st.DataObject, again: bool) -> None:
        lease = data.draw(st.sampled_from(self.grants[-4:]))
        self.call(self.store.release(lease), again)
        if self.held and lease.epoch == self.epoch:
            self.held = False
            self.tries -= 1

    # -- what is always true -------------------------------------------------------------------

    @invariant()
    def nothing_is_lost_or_done_twice(self) -> None:
        over = sorted(self.answered + self.parked)
        assert len(over) == len(set(over))
        assert sorted(over + self.inbox) == sorted(self.accepted)

    @invariant()
    def the_store_agrees(self) -> None:
        snapshot = self.runner.run(self.store.snapshot(self.customer))
        assert snapshot is not None
        assert (snapshot.version, snapshot.waiting) == (self.version, len(self.inbox))
        due = self.hands.due(self.store, self.customer)
        assert (due is not None) == (self.held or self.untold or bool(self.inbox)), (
            "somebody will look"
        )


def test_the_store_does_what_the_model_says(
    valkey: Embedded, store_prefix: str, hands: Any
) -> None:
    """Every order of messages, turns, deaths and repetitions ends as the model says."""
    machine = type(
        "TheConversation",
        (Conversation,),
        {"server": valkey, "prefix": store_prefix, "hands": hands},
    )
    run_state_machine_as_test(
        machine, settings=settings(max_examples=60, stateful_step_count=30, deadline=None)
    )
    with redis.Redis(unix_socket_path=str(valkey.socket)) as client:
        assert client.ping()
