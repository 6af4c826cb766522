"""Numbers for operators, in a registry of our own.

Labels come from short fixed lists. Nothing that a customer sent, and nothing that names one, is
ever a label.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from segue.channel import Adapter, Counting

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Numbers: TypeAlias = Callable[[], Mapping[tuple[str, ...], int]]
_LABEL = re.compile(r"[a-z0-9_-]{0,40}", re.IGNORECASE)


class Metrics:
    """The registry, and the server's own counters. Others add theirs to `registry`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.webhooks = Counter(
            "segue_webhooks",
            "Webhook requests, by what became of them.",
            ["channel", "outcome"],
            registry=self.registry,
        )
        self.receipts = Counter(
            "segue_receipts",
            "Receipts of platforms.",
            ["channel", "receipt"],
            registry=self.registry,
        )
        self.failures = Counter(
            "segue_request_failures",
            "Requests that a fault of ours ended.",
            ["channel", "error"],
            registry=self.registry,
        )
        self.broken = Counter(
            "segue_broken_requests",
            "Requests that were no HTTP, or that nothing could answer.",
            ["status"],
            registry=self.registry,
        )
        self.unavailable = Counter(
            "segue_request_unavailable",
            "Requests that were turned away with 503.",
            ["why"],
            registry=self.registry,
        )

    def watch(self, adapters: Mapping[str, Adapter]) -> None:
        """Also show what these adapters count."""
        self.registry.register(_Adapters(adapters))

    def tell(self, name: str, help: str, labels: Sequence[str], read: Numbers) -> None:  # noqa: A002
        """Also show what `read` returns at every scrape: the values of the labels → a count."""
        self.registry.register(_Read(name, help, labels, read))

    def page(self) -> bytes:
        """Return the text that Prometheus reads."""
        return generate_latest(self.registry)


class _Read(Collector):
    def __init__(self, name: str, help: str, labels: Sequence[str], read: Numbers) -> None:  # noqa: A002
        self._about, self._labels, self._read = (name, help), labels, read

    def collect(self) -> Iterable[Metric]:
        """Read the counts."""
        family = CounterMetricFamily(*self._about, labels=self._labels)
        for values, count in sorted(self._read().items()):
            family.add_metric([label(value) for value in values], count)
        yield family


class _Adapters(Collector):
    def __init__(self, adapters: Mapping[str, Adapter]) -> None:
        self._adapters = adapters

    def collect(self) -> Iterable[Metric]:
        """Read every adapter's counts."""
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
