"""The stand-in is as strict as Slack: what it lets pass, Slack would."""

from __future__ import annotations

import json

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from segue.testing import FakeClock
from segue.testing.platforms import Slack
from segue.testing.platforms.slack_blocks import Invalid, checked, shown
from segue.testing.platforms.slack_people import typed
from segue_adapters.slack_words import escaped, words


def button(**more: object) -> dict[str, object]:
    text = {"type": "plain_text", "text": "Yes"}
    return {"type": "button", "action_id": "a", "text": text, "value": "yes", **more}


def section(text: str, kind: str = "mrkdwn") -> dict[str, object]:
    return {"type": "section", "text": {"type": kind, "text": text}}


def rich(*leaves: dict[str, object]) -> dict[str, object]:
    inner = {"type": "rich_text_section", "elements": list(leaves)}
    return {"type": "rich_text", "elements": [inner]}


WRONG = {
    "no array": "text",
    "no object": ["x"],
    "an unknown block": [{"type": "marquee"}],
    "an unknown field": [{**section("x"), "colour": "red"}],
    "an empty section": [section("")],
    "a long section": [section("x" * 3001)],
    "too many blocks": [section("x")] * 51,
    "no buttons": [{"type": "actions", "elements": []}],
    "too many buttons": [
        {"type": "actions", "elements": [button(action_id=str(n)) for n in range(26)]}
    ],
    "an action id twice": [{"type": "actions", "elements": [button(), button()]}],
    "a block id twice": [{**section("x"), "block_id": "b"}, {**section("y"), "block_id": "b"}],
    "a long label": [
        {
            "type": "actions",
            "elements": [button(text={"type": "plain_text", "text": "x" * 76})],
        }
    ],
    "a label with markup": [
        {"type": "actions", "elements": [button(text={"type": "mrkdwn", "text": "x"})]}
    ],
    "a long value": [{"type": "actions", "elements": [button(value="x" * 2001)]}],
    "a picture without words": [{"type": "image", "image_url": "https://x.example/a.png"}],
    "an unknown style": [rich({"type": "text", "text": "x", "style": {"blink": True}})],
    "a leaf without words": [rich({"type": "text", "text": ""})],
    "an empty rich text": [{"type": "rich_text", "elements": []}],
}


@pytest.mark.parametrize("name", WRONG)
def test_what_slack_does_not_take_is_refused(name):
    """With Slack's error code."""
    with pytest.raises(Invalid) as caught:
        checked(WRONG[name])
    assert caught.value.args[0] in ("invalid_blocks", "invalid_blocks_format")


def test_markup_that_was_not_escaped_is_seen():
    """Mentions, links and bold in `mrkdwn` are what they would be in Slack."""
    seen = shown({"blocks": [section("<!channel> <@U1> *bold* <https://evil.example|bank>")]})
    assert seen.mentions == ["!channel", "@U1"]
    assert seen.links == ["https://evil.example"]
    assert seen.marked
    safe = shown({"blocks": [section("&lt;!channel&gt; 2 * 3 * 4")]})
    assert (safe.mentions, safe.links, safe.marked) == ([], [], False)
    assert safe.text == "<!channel> 2 * 3 * 4"


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=80))
def test_words_come_back_as_they_were_typed(text):
    """What Slack makes of typed words, read by the adapter, is the words."""
    said = " ".join(text.split())
    assert words(typed(said)) == said


@given(st.text(max_size=80))
def test_what_is_escaped_is_shown_as_it_was(text):
    """No mention, no link, no markup, whatever is in it."""
    seen = shown({"text": escaped(text), "mrkdwn": False, "parse": "none"})
    assert seen.text == text
    assert not any((seen.mentions, seen.links, seen.marked))


class Server:
    """Takes webhooks, and answers as a test says."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.heard: list[tuple[float, dict[str, str], bytes]] = []

    async def start(self, clock: FakeClock) -> str:
        async def handle(request: web.Request) -> web.Response:
            body = await request.read()
            self.heard.append((clock.monotonic(), dict(request.headers), body))
            return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

        app = web.Application()
        app.router.add_post("/{tail:.*}", handle)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return "http://{}:{}".format(*self._runner.addresses[0][:2])

    async def stop(self) -> None:
        await self._runner.cleanup()


async def test_events_come_again_as_slack_sends_them():
    """At once, after a minute, after five; with its marks, and a new signature each time."""
    clock = FakeClock(hurry=True)
    server = Server(500, 500, 500, 500)
    async with Slack(clock=clock) as slack:
        slack.call_at(await server.start(clock))
        await slack.person("Ada").write("hello")
        await server.stop()
    assert [moment for moment, _, _ in server.heard] == [0, 0, 60, 360]
    marks = [headers.get("X-Slack-Retry-Num") for _, headers, _ in server.heard]
    assert marks == [None, "1", "2", "3"]
    assert len({body for _, _, body in server.heard}) == 1
    assert len({headers["X-Slack-Signature"] for _, headers, _ in server.heard}) == 3


async def test_copies_have_event_ids_of_their_own():
    """And no mark of a retry."""
    clock = FakeClock()
    server = Server()
    async with Slack(clock=clock) as slack:
        slack.call_at(await server.start(clock))
        slack.copies = 11
        await slack.person("Ada").write("hello")
        await server.stop()
    events = [json.loads(body) for _, _, body in server.heard]
    assert len({event["event_id"] for event in events}) == 11
    assert len({event["event"]["ts"] for event in events}) == 1
    assert not any("X-Slack-Retry-Num" in headers for _, headers, _ in server.heard)


async def test_the_api_wants_its_token_and_its_arguments():
    """Errors are Slack's, with 200."""
    async with Slack() as slack, aiohttp.ClientSession() as client:

        async def call(method: str, token: str | None, **arguments: object) -> str:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            url = f"{slack.api_base}/{method}"
            async with client.post(url, json=arguments, headers=headers) as answer:
                assert answer.status == 200
                said = await answer.json()
                return "ok" if said["ok"] else str(said["error"])

        bot = slack.bot_token
        assert await call("auth.test", None) == "not_authed"
        assert await call("auth.test", "xoxb-wrong") == "invalid_auth"
        assert await call("auth.test", bot) == "ok"
        assert await call("auth.tset", bot) == "unknown_method"
        assert await call("apps.connections.open", bot) == "invalid_auth"
        assert await call("conversations.open", bot) == "users_list_not_supplied"
        assert await call("conversations.open", bot, users="U0NOBODY") == "user_not_found"
        assert await call("chat.postMessage", bot, channel="D1", text="x") == "channel_not_found"
        dm = slack.dm(slack.person("Ada").user)
        assert await call("chat.postMessage", bot, channel=dm.id) == "no_text"
        long = "x" * 40_001
        assert await call("chat.postMessage", bot, channel=dm.id, text=long) == "msg_too_long"
        wrong = {"event_type": 1}
        assert (
            await call("chat.postMessage", bot, channel=dm.id, text="x", metadata=wrong)
            == "invalid_metadata_format"
        )
        dm.archived = True
        assert await call("chat.postMessage", bot, channel=dm.id, text="x") == "is_archived"
        slack.conversation("C1")
        assert await call("chat.postMessage", bot, channel="C1", text="x") == "not_in_channel"
        slack.revoked = True
        assert await call("auth.test", bot) == "token_revoked"
