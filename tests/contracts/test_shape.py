"""What every adapter is."""

from __future__ import annotations

import re

from pydantic import BaseModel

from segue.channel import Adapter, Counting, Row
from segue.types import Address, Message
from segue_adapters.testing import MemoryGateway


def test_it_has_the_parts_of_the_contract(adapter):
    """Name, capabilities, and the verbs."""
    assert isinstance(adapter, Adapter)
    assert re.fullmatch(r"[a-z][a-z0-9_]{1,30}", adapter.name)


def test_it_brings_its_own_settings(adapter):
    """A model that lets nothing unknown in, never changes, and says what each setting is for."""
    model = adapter.Settings
    assert issubclass(model, BaseModel)
    assert model.model_config["extra"] == "forbid"
    assert model.model_config["frozen"] is True


def test_its_capabilities_make_sense(adapter):
    """Limits are limits, and markup has known names."""
    can = adapter.capabilities
    assert can.text_limit >= 70
    assert 0 <= can.buttons <= 100
    assert can.button_label >= 10
    assert can.markup <= {"strong", "emphasis", "code", "link", "list"}


def test_its_paths_are_its_own(adapter):
    """Under its name, with a method, each once; webhooks take POST only."""
    routes = adapter.routes(MemoryGateway())
    keys = [(route.method, route.path) for route in routes]
    assert len(keys) == len(set(keys))
    for route in routes:
        assert route.path.startswith(f"/channels/{adapter.name}/")
        assert route.method in ("GET", "POST", "OPTIONS")
        assert route.handler is not None or route.method == "POST"


def test_what_it_counts_can_be_scraped(adapter):
    """Pairs of short words, and numbers."""
    if isinstance(adapter, Counting):
        assert all(value >= 0 for value in adapter.counts.values())
        assert all(re.fullmatch(r"[a-z_]+", name) for name in adapter.gauges())


async def test_it_starts_and_stops(adapter):
    """Start returns soon, stop ends what was started, and stopping twice is no harm."""
    await adapter.start(MemoryGateway())
    await adapter.stop()
    await adapter.stop()


async def test_a_channel_that_is_read_is_never_sent_to(adapter):
    """Without `push`, `send` says for good that it does not send."""
    if adapter.capabilities.push:
        return
    message = Message(body=())
    address = Address(adapter.name, "x")
    outcome = await adapter.send(address, {}, Row(id="r", address=address, message=message))
    assert outcome.permanent is True
