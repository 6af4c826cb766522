"""docs/web.md is true: its conversation, its token, its settings and its tables."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from aiohttp import ClientSession, DummyCookieJar, web
from msgspec.inspect import StructType, type_info

from segue.app import App
from segue.memory.embedded import Embedded
from segue.server import Server, make_app
from segue.settings import channel_settings, load
from segue_adapters.terminal import TerminalSettings
from segue_adapters.web import WebChannel
from segue_adapters.web_payload import Frame
from segue_adapters.web_settings import WebSettings
from segue_adapters.web_socket import Close

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/web.md").read_text()
WIDGET = ROOT / "adapters/segue_adapters/static/widget"
KEY = "k" * 64


def blocks(language: str) -> list[str]:
    """Return the code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


def rows(column: str) -> list[str]:
    """Return the first cells of the table that follows this header."""
    table = PAGE.split(f"| {column} |", 1)[1].split("\n\n", 1)[0]
    return re.findall(r"^\| (`[^|]+) \|", table, flags=re.MULTILINE)


def words(cells: list[str]) -> set[str]:
    """Return the names in first cells: up to a bracket, each by itself."""
    return {name for cell in cells for name in re.findall(r"`([\w-]+)", cell)}


def fits(said: Any, shown: Any) -> bool:
    """Whether an answer is what the page shows; `…` stands for anything."""
    match shown:
        case str() if "…" in shown and not isinstance(said, str):
            return shown == "…"
        case str() if "…" in shown:
            pattern = ".*".join(re.escape(part) for part in shown.split("…"))
            return re.fullmatch(pattern, said, flags=re.DOTALL) is not None
        case dict():
            return said.keys() == shown.keys() and all(fits(said[k], shown[k]) for k in shown)
        case list():
            return len(said) == len(shown) and all(map(fits, said, shown))
        case _:
            return bool(said == shown)


@pytest.fixture
async def address(valkey: Embedded, store_prefix: str, tmp_path: Path) -> AsyncIterator[str]:
    """The sample company on a real server, with a key of its host site."""
    keys = {"jwt_keys": {"first": KEY}, "audience": "chat.shop.example"}
    settings = load(
        environ={},
        store={
            "url": valkey.url,
            "prefix": store_prefix,
            "partitions": 4,
            "data_dir": str(tmp_path),
        },
        dialogs={"path": str(ROOT / "dialogs")},
        voice={"path": str(ROOT / "brand_voice")},
        channels={"web": keys},
    )
    app = App(settings)
    await app.start()
    await app.watch()
    server = Server(make_app(app.adapters, app.core), port=0)
    yield await server.start()
    await app.stop(grace=2)
    await server.stop()


@pytest.mark.skipif(shutil.which("curl") is None, reason="the page shows curl: install it")
async def test_the_conversation_is_as_shown(address: str, tmp_path: Path) -> None:
    """Each `curl` of the page, run as it stands, is answered as the block below it says."""
    steps = re.findall(r"```sh\n(curl .+?)\n```\n\n```json\n(.+?)```", PAGE, flags=re.DOTALL)
    assert len(steps) == len(blocks("sh")) == 5
    for command, shown in steps:
        command = command.replace("http://127.0.0.1:8080", address)
        process = await asyncio.create_subprocess_shell(
            command, cwd=tmp_path, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await asyncio.wait_for(process.communicate(), 30)
        said = json.loads(output)
        assert fits(said, json.loads(shown)), f"{command}\n{said}"


async def test_the_token_signs_a_visitor_in(address: str) -> None:
    """The page's ten lines, on a site of their own, make a token that is taken."""
    [source] = blocks("python")
    visitors = [SimpleNamespace(id="17", name="Ada", email="ada@example.com"), None]

    async def signed_in(_: web.Request) -> Any:
        return visitors.pop(0)

    site: dict[str, Any] = {
        "web": web,
        "jwt": jwt,
        "time": time,
        "KEY": KEY,
        "signed_in": signed_in,
    }
    exec(source, site)
    token = json.loads((await site["chat_token"](None)).body)
    assert (await site["chat_token"](None)).status == 204
    async with ClientSession(f"{address}/channels/web/", cookie_jar=DummyCookieJar()) as client:
        async with client.post("identify", json=token) as answer:
            session = (await answer.json())["session"]
        headers = {"Authorization": f"Bearer {session}"}
        async with client.ws_connect("socket", origin=address) as socket:
            await socket.send_json({"type": "hello", "session": session})
            assert (await socket.receive_json())["identified"] is True
        async with client.post("logout", json={}, headers=headers) as answer:
            assert await answer.json() == {"ended": True}
        async with client.get("messages", headers=headers) as answer:
            assert answer.status == 401


def test_the_settings_of_the_page_can_be_loaded(tmp_path: Path) -> None:
    """Its TOML blocks are settings, put together."""
    (tmp_path / "key").write_text(KEY)
    first, second = blocks("toml")
    second = second.replace("/run/secrets/chat_key", str(tmp_path / "key"))
    merged = first + second.replace("[channels.web]\n", "", 1)
    file = tmp_path / "segue.toml"
    file.write_text(merged)
    found = channel_settings(load(file, environ={}), "web", WebSettings)
    assert found.allowed_origins == ("https://www.shop.example",)
    assert found.jwt_keys["first"].get_secret_value() == KEY
    assert found.audience in blocks("python")[0]


@pytest.mark.parametrize(("name", "model"), [("web", WebSettings), ("terminal", TerminalSettings)])
def test_every_setting_of_a_channel_is_described(name: str, model: Any) -> None:
    """Each stands in docs/settings.md, under its channel."""
    page = (ROOT / "docs/settings.md").read_text()
    section = page.split(f"## `[channels.{name}]`", 1)[1].split("\n## ", 1)[0]
    for setting in model.model_fields:
        assert re.search(rf"^\| `{setting}` \| .+ \| .* \| .{{10,}} \|$", section, re.MULTILINE)


def test_the_settings_that_are_named_are_there() -> None:
    """A name like `channels.web.secret` or `session_days` is a setting."""
    for name in re.findall(r"`channels\.web\.(\w+)`|`(session_\w+|same_site|jwt_keys)`", PAGE):
        assert "".join(name) in WebSettings.model_fields


class TestWidget:
    ELEMENT = (WIDGET / "element.js").read_text()

    def test_the_attributes_are_those_of_the_widget(self) -> None:
        """The table has every attribute that the widget reads, and no other."""
        read = re.findall(r'[gh](?:et|as)Attribute\("([\w-]+)"\)', self.ELEMENT)
        assert words(rows("attribute")) == set(read)

    def test_the_styles_are_those_of_the_widget(self) -> None:
        """The table has every style that the widget takes, and no other."""
        taken = re.findall(r"var\((--segue-[\w-]+)", (WIDGET / "style.css").read_text())
        assert words(rows("style")) == set(taken)

    def test_the_methods_are_those_of_the_widget(self) -> None:
        """The table has what `window.segue` has."""
        [listed] = re.findall(r"\[((?:\"\w+\",? ?)+)\]\.map\(\(name\)", self.ELEMENT)
        assert words(rows("method")) == set(json.loads(f"[{listed}]"))


class TestProtocol:
    def test_the_requests_are_the_routes(self) -> None:
        """Each path that a client may use is in the table, and no other."""

        class Nobody:
            """A gateway that is never called."""

        routes = WebChannel().routes(Nobody())  # type: ignore[arg-type]
        real = {
            (route.method, route.path.removeprefix("/channels/web"))
            for route in routes
            if route.method != "OPTIONS" and not route.path.endswith(("/socket", "}"))
        }
        shown = {
            (method, path)
            for cell in rows("request")
            for method, path in re.findall(r"`(GET|POST) (/[\w.]+)", cell)
        }
        assert shown == real

    def test_the_frames_of_a_client_are_those_that_are_read(self) -> None:
        """Each type with its fields; `message` is as the POST."""
        frames = {}
        for kind in Frame.__args__:
            info = type_info(kind)
            assert isinstance(info, StructType)
            frames[str(info.tag)] = {field.encode_name for field in info.fields}
        table = PAGE.split("| client |", 1)[1].split("\n\n", 1)[0]
        shown = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", table, flags=re.MULTILINE))
        assert shown.keys() == frames.keys()
        for name in frames.keys() - {"message"}:
            assert set(re.findall(r"`(\w+)`", shown[name])) == frames[name]

    def test_the_frames_of_the_server_are_those_that_are_sent(self) -> None:
        """Each type that the socket writes is in the table, and no other."""
        source = (ROOT / "adapters/segue_adapters/web_socket.py").read_text()
        sent = set(re.findall(r'(?:"type": |type=)"(\w+)"', source))
        assert words(rows("server")) == sent

    def test_the_codes_are_those_of_the_socket(self) -> None:
        """The table has every code with which a socket is closed."""
        table = PAGE.split("| closed with |", 1)[1].split("\n\n", 1)[0]
        assert set(re.findall(r"^\| (\d+)", table, flags=re.MULTILINE)) == {
            str(code.value) for code in Close
        }
