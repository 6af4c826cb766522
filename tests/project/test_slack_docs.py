"""docs/slack.md is true: its manifest, its settings, and what it says of Slack."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from segue.app import adapter_class
from segue.channel import Site
from segue.errors import SettingsError
from segue.settings import channel_settings, load
from segue.testing.platforms import Slack
from segue_adapters.slack import SlackChannel, SlackSettings
from segue_adapters.slack_doctor import NEEDED, USEFUL
from segue_adapters.testing import MemoryGateway

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/slack.md").read_text()


def blocks(language: str) -> list[str]:
    """Return the code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


def read(section: str, tmp_path: Path) -> tuple[SlackSettings, str]:
    """Return the settings of a block, its secrets put where it says, and the public address."""
    for name, secret in (
        ("slack_bot_token", "xoxb-1"),
        ("slack_signing_secret", "s" * 32),
        ("slack_app_token", "xapp-1"),
    ):
        (tmp_path / name).write_text(secret)
    file = tmp_path / "segue.toml"
    file.write_text(section.replace("/run/secrets", str(tmp_path)))
    settings = load(file, environ={})
    return channel_settings(settings, "slack", SlackSettings), settings.server.public_url


def test_a_missing_library_is_one_sentence() -> None:
    """Whoever forgot the extra is told which one to install, as the page says."""
    point = EntryPoint("slack", "no_such_library.slack:Channel", "segue.channels")
    with pytest.raises(SettingsError) as caught:
        adapter_class("slack", point)
    assert str(caught.value).endswith('pip install "segue[slack]"')
    assert 'pip install "segue[slack]"' in PAGE


def test_the_manifest_fits_the_settings(tmp_path: Path) -> None:
    """Its addresses are the paths Segue listens on, its scopes those that the doctor looks for."""
    [text] = blocks("json")
    manifest: dict[str, Any] = json.loads(text)
    settings, base = read(blocks("toml")[0], tmp_path)
    paths = {route.path for route in SlackChannel(settings, Site()).routes(MemoryGateway())}
    shown = {
        manifest["features"]["slash_commands"][0]["url"],
        manifest["settings"]["event_subscriptions"]["request_url"],
        manifest["settings"]["interactivity"]["request_url"],
    }
    assert shown == {f"{base}{path}" for path in paths}
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == {*NEEDED, *USEFUL}


def test_the_manifest_asks_for_the_events_that_are_read() -> None:
    """No more: what is not read need not be sent."""
    source = (ROOT / "adapters/segue_adapters/slack_events.py").read_text()
    read_ones = set(re.findall(r'case "(message|app_\w+)":', source))
    asked = json.loads(blocks("json")[0])["settings"]["event_subscriptions"]["bot_events"]
    assert {name.partition(".")[0] for name in asked} == read_ones


def test_socket_mode_is_as_shown(tmp_path: Path) -> None:
    """Without a signing secret and without a path."""
    settings, _ = read(blocks("toml")[1], tmp_path)
    assert settings.socket_mode
    assert SlackChannel(settings, Site()).routes(MemoryGateway()) == ()


def test_the_settings_that_are_named_are_there() -> None:
    """Each name in backticks that looks like a setting is one, and is described."""
    table = PAGE.split("| setting |", 1)[1].split("\n\n", 1)[0]
    named = set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE))
    named |= set(
        re.findall(r"`(\w+_(?:rate|conversations|minutes|token|secret|base|mode|ids?))`", PAGE)
    )
    assert named <= set(SlackSettings.model_fields)
    page = (ROOT / "docs/settings.md").read_text().split("## `[channels.slack]`", 1)[1]
    for setting in SlackSettings.model_fields:
        assert f"| `{setting}` |" in page


def test_the_limits_are_those_of_the_code() -> None:
    """Numbers of the table are the channel's."""
    can = SlackChannel.capabilities
    assert f"{can.text_limit:,} characters" in PAGE
    assert f"{can.buttons}, with {can.button_label} characters" in PAGE
    fields = SlackSettings.model_fields
    assert fields["chat_rate"].default == 1
    assert fields["workspace_rate"].default == 5


@pytest.fixture
async def listening() -> AsyncIterator[tuple[asyncio.Server, list[bytes]]]:
    """A port that takes whatever comes."""
    heard: list[bytes] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    yield server, heard
    server.close()


async def test_the_stand_in_runs_as_shown(
    listening: tuple[asyncio.Server, list[bytes]], capsys: pytest.CaptureFixture[str]
) -> None:
    """The page's lines deliver a signed event, and a person has all the acts that are named."""
    server, heard = listening
    port = server.sockets[0].getsockname()[1]
    [source] = blocks("python")
    source = source.replace("8080", str(port)).replace("asyncio.run(main())", "")
    names: dict[str, Any] = {}
    exec(source, names)
    await names["main"]()
    assert "xoxb-" in capsys.readouterr().out
    assert b"POST /channels/slack/events" in heard[0]
    assert b"X-Slack-Signature" in heard[0]
    acts = PAGE.rpartition("A person can")[2]
    person = Slack().person("Ada")
    for act in re.findall(r"`(\w+)`", acts):
        assert hasattr(person, act)
