"""`segue api-key`, `segue webhooks` and `segue audit`, as operators type them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from segue.cli import main
from segue.memory import Store, open_store
from segue.memory.embedded import Embedded
from segue.memory.hooks import Event, Past

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(
    valkey: Embedded,
    store_prefix: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Cli:
    """Run a command on this test's store; return exit code, output and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEGUE_CONFIG", raising=False)
    for name, value in (("URL", valkey.url), ("PREFIX", store_prefix), ("PARTITIONS", "4")):
        monkeypatch.setenv(f"SEGUE__STORE__{name}", value)

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main(arguments)
        found = capsys.readouterr()
        return int(str(left.value.code)), found.out, found.err

    return run


@pytest.fixture
def in_store(valkey: Embedded, store_prefix: str) -> Callable[[Callable[[Store], object]], None]:
    """Do something in the store between two commands."""

    def do(work: Callable[[Store], object]) -> None:
        async def run() -> None:
            async with await open_store(valkey.url, prefix=store_prefix, partitions=4) as store:
                await work(store)  # type: ignore[misc]

        asyncio.run(run())

    return do


def test_a_key_is_shown_once_listed_and_revoked(cli: Cli) -> None:
    """Only `add` prints it; what was done is in the audit, without the key."""
    code, token, hint = cli("api-key", "add", "shop", "--scope", "dialogs", "--scope", "customers")
    assert code == 0
    assert token.startswith("segue_")
    assert len(token.strip()) == 49
    assert "not shown again" in hint
    code, out, _ = cli("api-key", "list")
    assert "dialogs customers" in out
    assert token.strip() not in out
    assert cli("api-key", "add", "shop", "--scope", "dialogs")[0] == 1
    assert cli("api-key", "add", "Shop!", "--scope", "dialogs")[0] == 2
    assert cli("api-key", "add", "other")[0] == 2, "a key without a scope opens nothing"
    assert cli("api-key", "add", "other", "--scope", "everything")[0] == 2
    assert cli("api-key", "revoke", "shop")[0] == 0
    assert cli("api-key", "revoke", "shop")[0] == 1
    assert cli("api-key", "list")[1] == "There are none.\n"
    _, out, _ = cli("audit", "show")
    assert [word for word in out.split() if word.startswith("api_key.")] == [
        "api_key.add",
        "api_key.revoke",
    ]
    assert token.strip() not in out


def test_a_webhook_is_added_shown_retried_and_removed(
    cli: Cli, in_store: Callable[[Callable[[Store], object]], None]
) -> None:
    """Its secret is printed once; what is parked can be told again."""
    url = "https://register.example.com/segue"
    code, secret, _ = cli("webhooks", "add", "register", url, "--event", "milestone.reached")
    assert code == 0
    assert secret.startswith("whsec_")
    assert cli("webhooks", "add", "register", url)[0] == 1
    for bad in ("http://register.example.com/", "https://127.0.0.1/", "https://a:b@c.example/"):
        assert cli("webhooks", "add", "bad", bad)[0] == 2, bad
    _, out, _ = cli("webhooks", "list")
    assert url in out
    assert secret.strip() not in out

    async def park(store: Store) -> None:
        event = Event(id="0-1-0-0", type="milestone.reached", customer="c", body=b"{}", at=1)
        await store.put_events("register", [event], {"0": "1-0"})
        past = Past(at=1, id=event.id, type=event.type, fate="park", why="500")
        assert await store.settle_event("register", event, "park", past)

    in_store(park)
    _, out, _ = cli("webhooks", "list", "register")
    assert "parked: 1" in out
    assert cli("webhooks", "retry", "register")[0] == 2
    assert cli("webhooks", "retry", "nobody", "--all")[0] == 1
    code, out, _ = cli("webhooks", "retry", "register", "0-1-0-0")
    assert (code, out) == (0, "Put back: 1.\n")
    assert cli("webhooks", "retry", "register", "0-1-0-0")[0] == 1
    assert "waiting: 1" in cli("webhooks", "list", "register")[1]
    assert cli("webhooks", "remove", "register")[0] == 0
    assert cli("webhooks", "remove", "register")[0] == 1
    assert cli("webhooks", "list", "register")[0] == 1


def test_a_changed_audit_is_told_by_its_exit_code(
    cli: Cli, valkey: Embedded, store_prefix: str
) -> None:
    """T31: `verify` ends with 1 and names the row; a whole one ends with 0 and a digest."""
    for name in ("one", "two", "three"):
        cli("api-key", "add", name, "--scope", "dialogs")
    code, out, _ = cli("audit", "verify")
    assert code == 0
    assert "3 rows are as they were written" in out
    assert "Digest: " in out
    assert len(cli("audit", "show", "--json", "--limit", "2")[1].splitlines()) == 2
    with redis.Redis(unix_socket_path=str(valkey.socket)) as client:
        stream = f"{store_prefix}{{audit}}"
        client.xdel(stream, client.xrange(stream)[1][0])
    code, out, err = cli("audit", "verify")
    assert code == 1
    assert "row 2 is missing" in out
    assert "not as it was written" in err
