"""docs/running.md is true: its metrics are counted, its paths are served."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from aiohttp import ClientSession

from segue.app import App
from segue.cli.serving import _server
from segue.memory.embedded import Embedded
from segue.settings import load

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/running.md").read_text()


@pytest.fixture
def app(valkey: Embedded, store_prefix: str, tmp_path: Path) -> App:
    """The sample company, not started."""
    return App(
        load(
            environ={},
            store={
                "url": valkey.url,
                "prefix": store_prefix,
                "partitions": 4,
                "data_dir": str(tmp_path),
            },
            server={"port": 0},
            dialogs={"path": str(ROOT / "dialogs")},
            voice={"path": str(ROOT / "brand_voice")},
        )
    )


async def test_its_metrics_and_paths_are_served(app: App) -> None:
    """Each metric of the tables is served, and all that are served but webhooks' are told."""
    pages = (ROOT / "docs/sending.md", ROOT / "docs/api.md")
    tables = PAGE + "".join(page.read_text() for page in pages)
    named = set(re.findall(r"^\| `(segue_\w+)` \|", tables, flags=re.MULTILINE))
    paths = set(re.findall(r"^\| `(/\w+)` \|", PAGE, flags=re.MULTILINE))
    assert paths == {"/healthz", "/readyz", "/metrics"}
    await app.start()
    server = _server(app, None, next_free=False)
    try:
        async with ClientSession(await server.start()) as client:
            for path in paths:
                async with client.get(path) as answer:
                    assert answer.status == 200
            async with client.get("/metrics") as answer:
                page = await answer.text()
    finally:
        await app.stop(grace=2)
        await server.stop()
    families = re.findall(r"^# TYPE (segue_\w+) (\w+)$", page, flags=re.MULTILINE)
    served = {name for name, kind in families if not name.endswith("_created")}
    assert named <= served
    assert served - named <= {
        "segue_webhooks_total",
        "segue_receipts_total",
        "segue_broken_requests_total",
    }
