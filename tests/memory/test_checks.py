"""Starting: what is looked at, what is refused, and what is only said."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import redis

from segue.errors import SettingsError, StoreUnfit
from segue.memory import Store, look_over, open_store
from segue.memory.checks import _version
from segue.memory.embedded import Embedded, embedded
from segue.ports import SystemClock
from segue.server.logs import fields


async def test_a_fit_server_has_nothing_but_good_news(store: Store) -> None:
    """Each check says what it found, also when all is well: `segue doctor` prints it."""
    findings = await look_over(store.server, store.keys, SystemClock())
    assert {finding.name for finding in findings} == {
        "version",
        "eviction",
        "persistence",
        "partitions",
        "schema",
        "clock",
    }
    assert {finding.level for finding in findings} == {"ok"}
    assert all(finding.found for finding in findings)


async def test_an_evicting_server_is_refused(tmp_path: Path) -> None:
    """A server that throws keys away when full must not hold customers' messages."""
    async with embedded(tmp_path) as server:
        with redis.Redis(unix_socket_path=str(server.socket)) as admin:
            admin.config_set("maxmemory-policy", "allkeys-lru")
        with pytest.raises(StoreUnfit, match=r"allkeys-lru.*Set maxmemory-policy to noeviction"):
            await open_store(server.url)


async def test_a_forgetful_server_is_only_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Without an append-only file it works, and the log says what may be lost."""
    async with embedded(tmp_path) as server:
        with redis.Redis(unix_socket_path=str(server.socket)) as admin:
            admin.config_set("appendonly", "no")
        async with await open_store(server.url) as store:
            [finding] = [
                finding
                for finding in await look_over(store.server, store.keys, SystemClock())
                if finding.level == "warning"
            ]
            assert finding.name == "persistence"
            assert "appendonly" in finding.cure
    assert "store.check" in caplog.text
    lines = [fields(record) for record in caplog.records]
    assert any("append-only file is off" in str(line.get("found")) for line in lines), (
        "what is written tells what was found"
    )


async def test_the_number_of_partitions_is_fixed_at_install(
    valkey: Embedded, store_prefix: str
) -> None:
    """Another number would look for customers where they are not; it is refused by name."""
    async with await open_store(valkey.url, prefix=store_prefix, partitions=8):
        pass
    with pytest.raises(StoreUnfit, match=r"8 partitions, the settings say 16.*partitions to 8"):
        await open_store(valkey.url, prefix=store_prefix, partitions=16)


async def test_newer_data_is_refused(valkey: Embedded, store_prefix: str, hands: Any) -> None:
    """Data of a newer model is not touched."""
    hands.client.hset(f"{store_prefix}meta", "schema", 99)
    with pytest.raises(StoreUnfit, match="model 99"):
        await open_store(valkey.url, prefix=store_prefix, partitions=4)


async def test_a_clock_that_is_wrong_is_told(store: Store) -> None:
    """Which of the two clocks is ahead, and by how much."""

    class Late(SystemClock):
        def now(self) -> datetime:
            return datetime(2020, 1, 1, tzinfo=UTC)

    findings = await look_over(store.server, store.keys, Late())
    [finding] = [finding for finding in findings if finding.level == "warning"]
    assert "behind" in finding.found


@pytest.mark.parametrize(
    ("info", "level"),
    [
        ({"redis_version": "6.2.14"}, "error"),
        ({"redis_version": "7.0.0"}, "ok"),
        ({"redis_version": "7.2.4", "valkey_version": "9.1.2"}, "ok"),
        ({}, "error"),
    ],
)
def test_old_servers_are_refused(info: dict[str, str], level: str) -> None:
    """Redis before 7.0 lacks what the scripts need."""
    assert _version(info).level == level


async def test_a_wrong_prefix_is_a_wrong_setting() -> None:
    """A prefix that would break the slots is named as the setting it is."""
    with pytest.raises(SettingsError, match=r"store\.prefix"):
        await open_store("redis://localhost", prefix="{all}")


async def test_pauses_are_known_everywhere(open_a_store: Any) -> None:
    """What one process pauses is paused in all, with the reply to say; unpausing ends it."""
    one, other = await open_a_store(), await open_a_store()
    assert one.paused("dialog", "return_item") is None
    await one.pause("dialog", "return_item", "returns_paused")
    await one.pause("sends", "", "sends_paused")
    assert one.paused("dialog", "return_item") == "returns_paused"
    await other._look_at_pauses()
    assert other.paused("dialog", "return_item") == "returns_paused"
    assert other.paused("channel", "return_item") is None
    assert other.paused("sends") == "sends_paused"
    later = await open_a_store()
    assert later.pauses() == other.pauses()
    await other.unpause("dialog", "return_item")
    await one._look_at_pauses()
    assert one.pauses() == {("sends", ""): "sends_paused"}


async def test_a_pause_is_told_by_a_hint(open_a_store: Any) -> None:
    """Other processes need not wait for their next look."""
    one, other = await open_a_store(), await open_a_store()
    assert other._ticker is not None
    other._ticker.cancel()
    await one.pause("channel", "sms", "sms_paused")
    for _ in range(1000):
        if other.paused("channel", "sms"):
            break
        await other.snapshot("nobody")
    assert other.paused("channel", "sms") == "sms_paused"
