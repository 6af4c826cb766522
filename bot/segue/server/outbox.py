"""Numbers about sending, for operators: what became of replies, what waits, which channel is down.

Queues are this process's own: what it has in hand now. What waits in the store for its time is not
counted, because nothing counts it without going through all customers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from segue.server.metrics import Metrics

if TYPE_CHECKING:
    from segue.channel import Adapter
    from segue.engine.catching_up import CatchUp
    from segue.engine.delivery import Delivery
    from segue.spending import Spending


def tell_of_sending(
    metrics: Metrics, adapters: Mapping[str, Adapter], delivery: Delivery, catch_up: CatchUp
) -> None:
    """Let the metrics show what this process sends, and what it could not."""
    pushed = [name for name, adapter in adapters.items() if adapter.capabilities.push]
    pacing, breakers = delivery.pacing, delivery.breakers

    def queues() -> dict[tuple[str, ...], float]:
        found: dict[tuple[str, ...], float] = {}
        for name in pushed:
            rows, age = delivery.lanes(name)
            waiting, waited = pacing.waiting(name)
            found |= {
                (name, "rows"): rows,
                (name, "oldest_seconds"): age,
                (name, "waiting_for_limits"): waiting,
                (name, "longest_wait_seconds"): waited,
                (name, "left_alone"): breakers.open(name),
            }
        return found

    metrics.show("segue_outbox", "Rows this process has in hand.", ["channel", "what"], queues)
    metrics.tell(
        "segue_replies",
        "Replies that were sent, or why they never will be.",
        ["channel", "ending"],
        lambda: dict(delivery.endings.items()),
    )
    metrics.tell(
        "segue_send_waits",
        "Sends that had to wait for a platform's limit, by kind of limit.",
        ["channel", "limit"],
        lambda: dict(pacing.waits.items()),
    )
    metrics.tell(
        "segue_channel_breaks",
        "Times a channel was left alone: `failing`, or `credential` refused.",
        ["channel", "why"],
        lambda: dict(breakers.opened.items()),
    )
    metrics.tell(
        "segue_caught_up",
        "Messages that came in while nobody listened and were asked for.",
        ["channel"],
        lambda: dict(catch_up.brought.items()),
    )


def tell_of_spending(metrics: Metrics, spending: Spending) -> None:
    """Let the metrics show what codes and first words cost, and what was held back."""
    metrics.tell(
        "segue_spending",
        "Codes and first words by phone: sent, returned, or why they were held back.",
        ["purpose", "outcome"],
        lambda: dict(spending.counts.items()),
    )
