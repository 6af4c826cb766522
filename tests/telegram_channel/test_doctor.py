"""`segue doctor` looks at the bot, and `--fix` tells Telegram where to call us."""

from __future__ import annotations

import asyncio
import json
import sys

import pytest
from telegram_house import TOKEN, settings

from segue.channel import Configurable, Site
from segue.testing.platforms import Fault
from segue_adapters.telegram import TelegramChannel

PUBLIC = "https://chat.example"
HOOK = f"{PUBLIC}/channels/telegram/webhook"


@pytest.fixture
def channel(telegram):
    def make(public_url: str = PUBLIC, **more) -> TelegramChannel:
        return TelegramChannel(settings(telegram, **more), Site(public_url=public_url))

    return make


async def looked(channel, *, fix=False):
    assert isinstance(channel, Configurable)
    found = await channel.doctor(fix=fix)
    await channel.stop()
    text = " ".join(f"{each.found} {each.cure}" for each in found)
    assert TOKEN not in text
    assert channel.settings.secret not in text
    return [(each.level, each.found) for each in found], text


async def test_it_says_what_is_missing_and_fix_does_it(channel, telegram):
    """Once set, all is well."""
    found, text = await looked(channel())
    assert found == [
        ("ok", "the token belongs to @segue_bot"),
        ("error", "no webhook is set"),
    ]
    assert "--fix" in text
    assert telegram.webhook == {}
    found, _ = await looked(channel(), fix=True)
    assert ("ok", f"set the webhook {HOOK}") in found
    assert telegram.webhook["url"] == HOOK
    assert telegram.webhook["secret_token"] == channel().settings.secret
    assert json.loads(telegram.webhook["allowed_updates"]) == [
        "message",
        "edited_message",
        "callback_query",
        "my_chat_member",
    ]
    assert (await looked(channel()))[0][-1] == ("ok", f"Telegram calls {HOOK}")


async def test_a_webhook_stands_in_the_way_of_asking(channel, telegram):
    """It is taken away only when that is asked for."""
    telegram.webhook = {"url": "https://elsewhere.example"}
    found, _ = await looked(channel(mode="polling"))
    assert found[-1][0] == "error"
    assert telegram.webhook
    found, _ = await looked(channel(mode="polling"), fix=True)
    assert found[-1] == ("ok", "took the webhook away: updates are asked for now")
    assert telegram.webhook == {}
    assert (await looked(channel(mode="polling")))[0][-1][0] == "ok"


@pytest.mark.parametrize(
    ("status", "found"),
    [
        (401, "Telegram refuses the token"),
        (404, "Telegram refuses the token"),
        (500, "Telegram answers with 500"),
    ],
)
async def test_what_telegram_says_of_the_token(channel, telegram, status, found):
    """A wrong one is told apart from a bad day."""
    telegram.fault(Fault("broken", method="getMe", status=status, body={"ok": False}))
    assert (await looked(channel()))[0] == [("error", found)]


async def test_without_a_public_address_telegram_cannot_call(channel):
    """The cure names both ways."""
    found, text = await looked(channel(""))
    assert found[-1][0] == "error"
    assert "server.public_url" in text
    assert "polling" in text


async def test_a_server_that_is_away_is_a_finding(channel, telegram):
    """Not a traceback."""
    await telegram.stop()
    assert (await looked(channel()))[0] == [("error", "nothing answers at api_base")]


async def test_a_refused_webhook_says_why(channel, telegram):
    """In Telegram's own words."""
    found, _ = await looked(channel("http://chat.example"), fix=True)
    assert found[-1][0] == "error"
    assert "https url must be provided" in found[-1][1]


async def test_the_command_sets_it(telegram, tmp_path):
    """`segue doctor --fix`, as an operator types it."""
    (tmp_path / "segue.toml").write_text(
        f'[server]\npublic_url = "{PUBLIC}"\n\n[channels.telegram]\n'
        f'token = "{TOKEN}"\napi_base = "{telegram.url}"\n'
    )

    async def segue(*words: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "segue.cli", *words),
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await asyncio.wait_for(process.communicate(), 60)
        return said.decode()

    assert "no webhook is set" in await segue("doctor")
    said = await segue("doctor", "--fix")
    assert f"set the webhook {HOOK}" in said
    assert TOKEN not in said
    assert telegram.webhook["url"] == HOOK
