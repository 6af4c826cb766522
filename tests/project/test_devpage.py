"""The page of `segue run --dev`: one's own bot in a browser, with nothing to write for it."""

from __future__ import annotations

import shutil
from pathlib import Path

from aiohttp.test_utils import TestClient, TestServer

from segue.app import App
from segue.cli.devpage import dev_routes
from segue.memory.embedded import Embedded
from segue.server import make_app
from segue.settings import load

ROOT = Path(__file__).parents[2]


async def test_the_widget_stands_on_the_page(
    valkey: Embedded, store_prefix: str, tmp_path: Path
) -> None:
    """`/` shows the project's widget, under a policy that lets nothing else in."""
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
    http = make_app(app.adapters, app.core, routes=dev_routes(app))
    try:
        async with TestClient(TestServer(http)) as client:
            answer = await client.get("/")
            text = await answer.text()
            script = await client.get("/channels/web/widget.js")
            assert (answer.status, script.status) == (200, 200)
            assert 'name="Ada &amp; &lt;Sons&gt;"' in text
            assert "unsafe" not in answer.headers["Content-Security-Policy"]
    finally:
        await app.stop(grace=1)
    assert dev_routes(App(app.settings, adapters={})) == []
