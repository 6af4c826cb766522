"""The page of `segue run --dev`: the widget by itself, to talk to the bot one is writing.

A mistake in a file that was saved stands above it, with file, line and cure, until it is mended.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web
from markupsafe import escape

from segue.channel import Route
from segue.server import page
from segue.server.pages import new_nonce

if TYPE_CHECKING:
    from segue.app import App
    from segue.errors import LocatedError

_PAGE = """<!doctype html>
<html lang="{locale}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name}</title>
<link rel="icon" href="data:,">
<style nonce="{nonce}">
  :root {{ color-scheme: light dark; }}
  body {{ margin: 0; height: 100vh; display: flex; flex-direction: column; align-items: center;
    font: 15px/1.45 system-ui, sans-serif; }}
  #mistakes {{ width: min(44rem, 100vw); }}
  #mistakes p {{ margin: 0 0 4px; padding: 8px 12px; overflow-wrap: anywhere;
    border-inline-start: 4px solid #b3261e; background: #b3261e22; }}
  #mistakes b {{ display: block; }}
  main {{ width: min(28rem, 100vw); flex: 1; min-height: 0; max-height: 46rem; margin: auto; }}
  segue-chat {{ display: block; height: 100%; }}
</style>
<script nonce="{nonce}" src="{path}/widget.js" defer></script>
<div id="mistakes" role="alert"></div>
<main><segue-chat mode="inline" name="{name}" locale="{locale}"></segue-chat></main>
<script nonce="{nonce}">
  const board = document.getElementById("mistakes");
  let before = "[]";
  async function look() {{
    try {{
      const found = await (await fetch("/mistakes")).text();
      if (found === before) return;
      before = found;
      board.replaceChildren(...JSON.parse(found).map(([where, what]) => {{
        const line = document.createElement("p"), place = document.createElement("b");
        place.textContent = where;
        line.append(place, what);
        return line;
      }}));
    }} catch {{ /* It is being started again: the widget says so. */ }}
  }}
  look();
  setInterval(look, 1000);
</script>
</html>
"""


class DevPage:
    """The page, and the board on which it shows what was saved with a mistake."""

    def __init__(self) -> None:
        self._mistakes: list[tuple[str, str]] = []

    def announce(self, kind: str, /) -> None:
        """Say nothing: whoever has just saved a good file sees it in the next reply."""

    def show_problems(self, found: Iterable[LocatedError]) -> None:
        """Show these instead of those before."""
        self._mistakes = [
            (
                f"{os.path.relpath(each.file)}:{each.line}" if each.file else "",
                f"{each.problem}. {each.cure}",
            )
            for each in found
        ]

    def routes(self, app: App) -> list[Route]:
        """Return `/` and what it asks for, where the project has the web channel."""
        channel = app.adapters.get("web")
        if channel is None:
            return []
        company = app.settings.company
        name = company.name or "Segue"
        path = getattr(getattr(channel, "settings", None), "path", "/channels/web")

        async def show(_request: web.Request) -> web.StreamResponse:
            nonce = new_nonce()
            values = {"name": name, "locale": company.locale, "nonce": nonce, "path": path}
            return page(
                _PAGE.format(**{key: escape(value) for key, value in values.items()}), nonce
            )

        async def mistakes(_request: web.Request) -> web.StreamResponse:
            return web.Response(
                body=msgspec.json.encode(self._mistakes),
                content_type="application/json",
                headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
            )

        return [
            Route(method="GET", path="/", handler=show),
            Route(method="GET", path="/mistakes", handler=mistakes),
        ]
