"""The demo's routes.

    GET /                 the page: things to try, the widget, the margin
    GET /privacy          a sample privacy notice
    GET /kit              every part of these pages once
    GET /demo/token?as=   the host site's word for who somebody is (a signed JWT), or 204
    GET /channels/web/demo/notes    what Segue just did; waits for news
    GET /demo/static/…    styles and script

The page is rendered on the server, loads nothing from elsewhere and allows no script but its own.
It is for one's own machine: whoever can open it can sign in as everybody in it.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from segue.demo.notes import Notes
from segue.demo.sentences import SIGNS, Titles, sentence, sort_of
from segue.demo.texts import TEXTS
from segue.types import CustomerId

_HERE: Final = Path(__file__).parent
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Vary": "Cookie, Accept-Language",
}
_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_LONGEST_WAIT: Final = 25.0
_YEAR: Final = 365 * 24 * 3600
_EXAMPLES: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("routed", {"intent": "dialog:return_item", "score": 0.82}),
    ("routed", {"intent": "answer:delivery_time", "score": 0.74}),
    ("routed", {"how": "unsure", "between": ["dialog:return_item", "dialog:order_status"]}),
    ("routed", {"how": "lost"}),
    ("understood", {"question": "ask_order", "value": "A1001"}),
    ("understood", {"question": "ask_order", "how": "correction"}),
    ("missed", {"question": "ask_postcode", "tries": 1}),
    ("remembered", {"fact": "email", "value": "ada@example.com", "channel": "web"}),
    ("did", {"step": "shop.create_label"}),
    ("asked", {"question": "return_item/ask_postcode"}),
    ("problem", {"dialog": "return_item", "error": "KeyError", "where": "return_item.py:41"}),
)
"""One note of each sort, for `/kit`."""
_LOOKS: Final = ("auto", "light", "dark")


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Somebody whom the host site can vouch for."""

    key: str
    """Short, for the address: `ada`."""
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleOrder:
    """An order that works in the sample shop."""

    what: str
    """`return` for the one that is suggested first; others have a line of their own in `texts`."""
    order: str
    postcode: str
    about: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Demo:
    """What the page needs to know; the composition root fills it in."""

    company: str
    people: tuple[Person, ...]
    sign: Callable[[str], str]
    """`Person.key` → JWT, as the host site would sign it."""
    customer_of: Callable[[web.Request], Awaitable[CustomerId | None]]
    """Whose session a request comes with."""
    notes: Notes
    orders: tuple[SampleOrder, ...] = ()
    titles: Titles | None = None
    command: str = "make demo"
    """What starts it again."""
    voice_file: Mapping[str, str] | str = "brand_voice/en/return_item.j2"
    """A file to change, by locale or for all."""
    privacy_url: str = "/privacy"
    widget: str = "/channels/web/widget.js"
    notes_path: str = "/channels/web/demo/notes"
    """Under the web channel's path: the session's cookie is sent nowhere else."""


def sample_orders(rows: Sequence[Mapping[str, str]]) -> tuple[SampleOrder, ...]:
    """Return the orders of the sample shop's `things_to_try()`."""
    return tuple(
        SampleOrder(
            what=row["what"],
            order=row["order"],
            postcode=row["postcode"],
            about=row.get("about", ""),
        )
        for row in rows
    )


def demo_routes(demo: Demo) -> list[web.RouteDef]:
    """Return the routes of the demo."""
    pages = _Pages(demo)
    return [
        web.get("/", pages.index),
        web.get("/privacy", pages.privacy),
        web.get("/kit", pages.kit),
        web.get("/demo/token", pages.token),
        web.get(demo.notes_path, pages.notes),
        web.get("/demo/static/{name}", pages.static),
    ]


class _Pages:
    """One method per route."""

    def __init__(self, demo: Demo) -> None:
        self._demo = demo
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        # Only these names exist; a request chooses among them and never makes a path.
        self._static = {
            file.name: (file.read_bytes(), _TYPES[file.suffix])
            for file in (_HERE / "static").iterdir()
            if file.suffix in _TYPES
        }

    # -- pages -------------------------------------------------------------------------------------

    async def index(self, request: web.Request) -> web.Response:
        """Show the page."""
        demo = self._demo
        locale = _locale(request)
        texts = TEXTS[locale]
        orders = [
            {
                "order": each.order,
                "postcode": each.postcode,
                "about": texts.get(f"about_{each.what}", each.about),
            }
            for each in demo.orders
        ]
        file = demo.voice_file
        return self._page(
            request,
            "index.html",
            orders=orders,
            people=demo.people,
            voice_file=_path(file if isinstance(file, str) else file.get(locale, "")),
            command=demo.command,
            widget=demo.widget,
            notes_path=demo.notes_path,
            privacy_url=demo.privacy_url,
            words=msgspec.json.encode(
                {"unreachable": texts["not_running"].format(command=demo.command)}
            ).decode(),
            signs=msgspec.json.encode(SIGNS).decode(),
            script_texts=msgspec.json.encode(
                {
                    name: texts[name]
                    for name in (
                        *("understood", "routed", "missed", "remembered", "known", "asked", "did"),
                        *("said", "reloaded", "mended", "problem", "running", "stopped"),
                        *("went_on", "reworded", "was_stopped", "was_started", "problem_title"),
                        *("problem_title_no_line", "still_answering", "switched"),
                        *("switch_failed", "copied"),
                    )
                }
            ).decode(),
        )

    async def privacy(self, request: web.Request) -> web.Response:
        """Show the sample privacy notice."""
        return self._page(request, "privacy.html")

    async def kit(self, request: web.Request) -> web.Response:
        """Show every part once."""
        locale = _locale(request)
        notes = [
            (sort_of(kind, values), sentence(kind, values, locale)) for kind, values in _EXAMPLES
        ]
        return self._page(request, "kit.html", notes=notes, signs=SIGNS)

    def _page(self, request: web.Request, template: str, **values: Any) -> web.Response:
        locale = _locale(request)
        look = request.cookies.get("look", "auto")
        texts = TEXTS[locale]

        def say(name: str, **holes: str) -> str:
            return texts[name].format(company=self._demo.company, **holes)

        def with_parts(name: str, **holes: Any) -> Markup:
            """Fill a sentence's holes with markup of the template's own making."""
            pieces = re.split(r"(\{\w+\})", texts[name])
            return Markup("").join(
                holes[piece[1:-1]] if piece.startswith("{") else escape(piece) for piece in pieces
            )

        page = self._templates.get_template(template).render(
            say=say,
            with_parts=with_parts,
            locale=locale,
            locales=tuple(TEXTS),
            look=look if look in _LOOKS else "auto",
            looks=_LOOKS,
            company=self._demo.company,
            path=request.path,
            **values,
        )
        response = web.Response(text=page, content_type="text/html", headers=_HEADERS)
        if request.query.get("lang") in TEXTS:
            response.set_cookie("lang", locale, max_age=_YEAR, samesite="Lax", path="/")
        return response

    # -- what the script asks for ------------------------------------------------------------------

    async def token(self, request: web.Request) -> web.Response:
        """Vouch for somebody, as a host site would for whoever is signed in there."""
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        if request.headers.get("Sec-Fetch-Site") not in (None, "same-origin", "none"):
            return web.json_response(
                {"error": "Only the demo's own page may ask for this."}, status=403, headers=headers
            )
        key = request.query.get("as", "")
        if key not in {person.key for person in self._demo.people}:
            return web.Response(status=204, headers=headers)
        return web.json_response({"token": self._demo.sign(key)}, headers=headers)

    async def notes(self, request: web.Request) -> web.Response:
        """Return what happened after a cursor, as soon as there is something."""
        query = request.query
        try:
            after, edition = int(query.get("after", -1)), int(query.get("edition", -1))
            wait = min(max(float(query.get("wait", 0)), 0.0), _LONGEST_WAIT)
        except ValueError:
            return web.json_response({"error": "after, edition and wait are numbers."}, status=400)
        demo = self._demo
        customer = await demo.customer_of(request)
        news = await demo.notes.news(customer, after=after, edition=edition, within=wait)
        locale = query.get("lang", "en")
        body = {
            "instance": demo.notes.instance,
            "cursor": news.cursor,
            "edition": news.edition,
            "known": customer is not None,
            "notes": [
                {
                    "n": note.number,
                    "at": note.at,
                    "kind": note.kind,
                    "sort": note.sort,
                    "parts": note.parts(locale, demo.titles),
                }
                for note in news.notes
            ],
            "problems": [
                {"file": each.file, "line": each.line, "found": each.found, "cure": each.cure}
                for each in news.problems
            ],
        }
        return web.Response(
            body=msgspec.json.encode(body),
            content_type="application/json",
            headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
        )

    async def static(self, request: web.Request) -> web.Response:
        """Serve a style or the script."""
        found = self._static.get(request.match_info["name"])
        if found is None:
            return web.Response(status=404, text="There is no such file.")
        body, content_type = found
        return web.Response(
            body=body,
            content_type=content_type,
            charset="utf-8",
            headers={"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"},
        )


def _path(path: str) -> Markup:
    """Return a path that breaks at its slashes where it is too long."""
    return Markup("/<wbr>").join(map(escape, path.split("/")))


def _locale(request: web.Request) -> str:
    """Return the page's language: asked for, kept, or the browser's."""
    wanted = [request.query.get("lang", ""), request.cookies.get("lang", "")]
    wanted += [part.strip()[:2] for part in request.headers.get("Accept-Language", "").split(",")]
    return next((each for each in wanted if each in TEXTS), "en")
