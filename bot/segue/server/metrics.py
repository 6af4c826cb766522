"""Numbers for operators, in a registry of our own.

Labels come from short fixed lists. Nothing that a customer sent, and nothing that names one, is
ever a label.

What is counted is a dict of our own, read at a scrape; so counting costs next to nothing, and the
library for the page is imported when somebody first asks for it, not before the server is ready.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from segue.channel import Adapter, Counting

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Numbers: TypeAlias = Callable[[], Mapping[tuple[str, ...], int]]
Readings: TypeAlias = Callable[[], Mapping[tuple[str, ...], float]]
_LABEL = re.compile(r"[a-z0-9_-]{0,40}", re.IGNORECASE)


class Tally:
    """How often something happened, by its labels."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, ...]] = Counter()

    def add(self, *labels: str) -> None:
        """Count one more."""
        self.counts[labels] += 1


class Metrics:
    """The server's own counters, and what others tell."""

    def __init__(self) -> None:
        self._collectors: list[_Read | _Adapters] = []
        self.webhooks = self._tally(
            "segue_webhooks",
            "Webhook requests, by what became of them.",
            ["channel", "outcome"],
        )
        self.receipts = self._tally(
            "segue_receipts", "Receipts of platforms.", ["channel", "receipt"]
        )
        self.failures = self._tally(
            "segue_request_failures",
            "Requests that a fault of ours ended.",
            ["channel", "error"],
        )
        self.broken = self._tally(
            "segue_broken_requests",
            "Requests that were no HTTP, or that nothing could answer.",
            ["status"],
        )
        self.unavailable = self._tally(
            "segue_request_unavailable", "Requests that were turned away with 503.", ["why"]
        )

    def _tally(self, name: str, about: str, labels: Sequence[str]) -> Tally:
        tally = Tally()
        self.tell(name, about, labels, lambda: dict(tally.counts))
        return tally

    @cached_property
    def registry(self) -> CollectorRegistry:
        """What Prometheus reads; made at the first scrape."""
        from prometheus_client import (
            CollectorRegistry,
            GCCollector,
            PlatformCollector,
            ProcessCollector,
        )

        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        for collector in self._collectors:
            registry.register(collector)
        return registry

    def watch(self, adapters: Mapping[str, Adapter]) -> None:
        """Also show what these adapters count."""
        self._collectors.append(_Adapters(adapters))

    def tell(self, name: str, help: str, labels: Sequence[str], read: Numbers) -> None:  # noqa: A002
        """Also show what `read` returns at every scrape: the values of the labels → a count."""
        self._collectors.append(_Read(name, help, labels, read))

    def show(self, name: str, help: str, labels: Sequence[str], read: Readings) -> None:  # noqa: A002
        """Also show what `read` returns at every scrape: the values of the labels → what is now."""
        self._collectors.append(_Read(name, help, labels, read, now=True))

    def page(self) -> bytes:
        """Return the text that Prometheus reads."""
        from prometheus_client import generate_latest

        return generate_latest(self.registry)


class _Read:
    def __init__(
        self,
        name: str,
        help: str,  # noqa: A002
        labels: Sequence[str],
        read: Readings,
        *,
        now: bool = False,
    ) -> None:
        self._about, self._labels, self._read, self._now = (name, help), labels, read, now

    def collect(self) -> Iterable[Metric]:
        """Read the counts, or what is now."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        kind = GaugeMetricFamily if self._now else CounterMetricFamily
        family = kind(*self._about, labels=self._labels)
        for values, count in sorted(self._read().items()):
            family.add_metric([label(value) for value in values], count)
        yield family


class _Adapters:
    def __init__(self, adapters: Mapping[str, Adapter]) -> None:
        self._adapters = adapters

    def collect(self) -> Iterable[Metric]:
        """Read every adapter's counts."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        events = CounterMetricFamily(
            "segue_channel_events", "What adapters count.", labels=["channel", "what", "why"]
        )
        now = GaugeMetricFamily(
            "segue_channel", "What is true of adapters right now.", labels=["channel", "what"]
        )
        for name, adapter in self._adapters.items():
            if isinstance(adapter, Counting):
                for (what, why), count in sorted(adapter.counts.items()):
                    events.add_metric([name, label(what), label(why)], count)
                for what, value in adapter.gauges().items():
                    now.add_metric([name, label(what)], value)
        yield events
        yield now


def label(value: str) -> str:
    """Return a label that cannot carry anything but a short word."""
    return value if _LABEL.fullmatch(value) else "other"
