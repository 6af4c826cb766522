"""The page of `segue run --dev`: the widget by itself, to talk to the bot one is writing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web
from markupsafe import escape

from segue.channel import Route
from segue.server import page
from segue.server.pages import new_nonce

if TYPE_CHECKING:
    from segue.app import App

_PAGE = """<!doctype html>
<html lang="{locale}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name}</title>
<style nonce="{nonce}">
  :root {{ color-scheme: light dark; }}
  body {{ margin: 0; height: 100vh; display: grid; place-items: center; }}
  main {{ width: min(28rem, 100vw); height: min(46rem, 100vh); }}
  segue-chat {{ display: block; height: 100%; }}
</style>
<script nonce="{nonce}" src="/channels/web/widget.js" defer></script>
<main><segue-chat mode="inline" name="{name}" locale="{locale}"></segue-chat></main>
</html>
"""


def dev_routes(app: App) -> list[Route]:
    """Return `/`, where the project has the web channel."""
    if "web" not in app.adapters:
        return []
    company = app.settings.company
    name = company.name or "Segue"

    async def show(_request: web.Request) -> web.StreamResponse:
        nonce = new_nonce()
        values = {"name": escape(name), "locale": escape(company.locale), "nonce": nonce}
        return page(_PAGE.format(**values), nonce)

    return [Route(method="GET", path="/", handler=show)]
