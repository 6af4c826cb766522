"""The page of `segue run --dev`: one's own bot in a browser, with nothing to write for it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from aiohttp.test_utils import TestClient, TestServer

from segue.app import App
from segue.cli.devpage import DevPage
from segue.errors import VoiceError
from segue.memory.embedded import Embedded
from segue.server import make_app
from segue.settings import load

ROOT = Path(__file__).parents[2]


async def test_the_widget_stands_on_the_page(
    valkey: Embedded, store_prefix: str, tmp_path: Path
) -> None:
    """`/` shows the project's widget and mistakes in what was saved, under a strict policy."""
    for folder in ("dialogs", "brand_voice"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    app = App(
        load(
            environ={},
            store={"url": valkey.url, "prefix": store_prefix, "data_dir": str(tmp_path / "data")},
            company={"name": "Ada & <Sons>"},
            dialogs={"path": str(tmp_path / "dialogs")},
            voice={"path": str(tmp_path / "brand_voice")},
        )
    )
    await app.start()
    board = DevPage()
    http = make_app(app.adapters, app.core, routes=board.routes(app))
    try:
        async with TestClient(TestServer(http)) as client:
            answer = await client.get("/")
            text = await answer.text()
            script = await client.get("/channels/web/widget.js")
            assert (answer.status, script.status) == (200, 200)
            assert 'name="Ada &amp; &lt;Sons&gt;"' in text
            assert "unsafe" not in answer.headers["Content-Security-Policy"]
            assert await (await client.get("/mistakes")).json() == []
            wrong = tmp_path / "brand_voice" / "en" / "common.j2"
            board.show_problems([VoiceError("no end", cure="End it.", file=str(wrong), line=3)])
            [[where, what]] = await (await client.get("/mistakes")).json()
            assert where == f"{os.path.relpath(wrong)}:3"
            assert what == "no end. End it."
            board.show_problems([])
            assert await (await client.get("/mistakes")).json() == []
    finally:
        await app.stop(grace=1)
    assert DevPage().routes(App(app.settings, adapters={})) == []
