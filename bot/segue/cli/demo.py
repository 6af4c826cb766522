"""`segue demo`: the sample company on one address, with nothing to install or set."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from segue.cli.common import Command, read_settings
from segue.errors import SegueError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiohttp import web

    from segue.app import App
    from segue.channel import Route
    from segue.demo.notes import Notes
    from segue.settings import Settings
    from segue.types import CustomerId

AUDIENCE = "segue-demo"
PEOPLE = {"ada": ("Ada", "ada@example.com"), "ben": ("Ben", "ben@example.com")}


@click.command(cls=Command)
@click.option("--port", default=8080, show_default=True, help="The next free one if it is taken.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".segue/demo"),
    show_default=True,
    help="Where it remembers.",
)
@click.option("--browser/--no-browser", default=None, help="Open a browser, or do not.")
def demo(port: int, data: Path, browser: bool | None) -> None:
    """Talk to a sample company in the browser.

    Nothing needs to be installed or set up, and no account. What was said is kept in the data
    folder: stop it in the middle of a question, start it again, and go on. Dialogs and wording are
    read again on every save.
    """
    from segue import starter

    click.echo("Reading the sample company …")
    dialogs, voice = _sample(data)
    os.environ.setdefault("TARNWOOD_DATA", str(data / "shop"))
    key = _fresh_key()
    settings = _settings(data, dialogs, voice, port, key)

    from segue.app import App
    from segue.cli.serving import serve_app
    from segue.demo.notes import Notes
    from segue.ports import SystemClock, SystemIds
    from segue.server import configure_logging

    configure_logging(level="warning")
    notes = Notes(SystemClock(), SystemIds())
    app = App(settings, observers=[notes])
    app.load()
    click.echo("Starting its memory …")

    def routes(app: App) -> Sequence[Route]:
        return _routes(app, notes, key, starter.things_to_try(dialogs))

    def started(address: str) -> None:
        click.secho(f"\nSegue is at {address}\n", bold=True)
        click.echo("Write: I want to send something back. More to try stands on the page.")
        click.echo(f"The wording is in {_shown(voice)}, the dialogs are in {_shown(dialogs)}.")
        click.echo("Ctrl-C stops it; what was said is kept.")
        if browser if browser is not None else _has_browser():
            _open(address)

    async def whole() -> int:
        return await serve_app(
            app,
            started=started,
            routes=routes,
            reload=True,
            board=notes,
            stopping=notes.close,
            next_free=True,
        )

    raise SystemExit(asyncio.run(whole()))


# -- what it is made of ----------------------------------------------------------------------------


def _sample(data: Path) -> tuple[Path, Path]:
    """Return the sample's folders: a checkout's own, else a copy that may be edited."""
    from segue import starter

    here = Path.cwd()
    if (here / "bot" / "segue").is_dir() and all(
        (here / each).is_dir() for each in starter.FOLDERS
    ):
        return here / "dialogs", here / "brand_voice"
    if not starter.is_packed():
        return starter.folder("dialogs"), starter.folder("brand_voice")
    if not (data / "dialogs").is_dir():
        data.mkdir(parents=True, exist_ok=True)
        starter.copy_folders(data)
    return data / "dialogs", data / "brand_voice"


def _settings(data: Path, dialogs: Path, voice: Path, port: int, key: str) -> Settings:
    from segue import starter

    return read_settings(
        starter.template("segue.toml"),
        store={"url": "embedded:", "data_dir": str(data.resolve()), "prefix": "demo:"},
        server={"host": "127.0.0.1", "port": port, "public_url": "", "grace_seconds": 5},
        company={"privacy_url": "/privacy"},
        dialogs={"path": str(dialogs.resolve())},
        voice={"path": str(voice.resolve())},
        channels={"web": {"jwt_keys": {"demo": key}, "audience": AUDIENCE}},
    )


def _fresh_key() -> str:
    """Return a key for this run: only the demo's own page asks for tokens."""
    from segue.ports import SystemIds

    return SystemIds().secret()


def _routes(app: App, notes: Notes, key: str, orders: list[dict[str, str]]) -> list[Route]:
    import jwt

    from segue.channel import Route
    from segue.demo.pages import Demo, Person, demo_routes, sample_orders

    adapter: Any = app.adapters["web"]

    def sign(who: str) -> str:
        name, email = PEOPLE[who]
        now = app.clock.now()
        claims = {
            "sub": who,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + timedelta(minutes=30),
            "name": name,
            "email": email,
        }
        return jwt.encode(claims, key, algorithm="HS256", headers={"kid": "demo"})

    async def customer_of(request: web.Request) -> CustomerId | None:
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        session = adapter.sessions.read(
            bearer or request.cookies.get(adapter.settings.cookie_name, "")
        )
        if session is None or not await app.core.has_address(session.customer, session.address):
            return None
        customer: CustomerId = session.customer
        return customer

    def title(intent: str, locale: str) -> str:
        from segue.voice import plain

        name, voice = intent.partition(":")[2], app.setup.voice
        if not intent.startswith("dialog:") or not voice.has("title", dialog=name):
            return ""
        shown = voice.render("title", dialog=name, locale=locale, channel="web", values={})
        return plain(shown.message)

    page = Demo(
        company=app.settings.company.name,
        people=tuple(Person(key=who, name=name) for who, (name, _) in PEOPLE.items()),
        sign=sign,
        customer_of=customer_of,
        notes=notes,
        orders=sample_orders(orders),
        titles=title,
        command="make demo" if _in_checkout() else "segue demo",
        voice_file={
            locale: _shown(Path(app.settings.voice.path) / locale / "return_item.j2")
            for locale in ("en", "de")
        },
    )
    return [
        Route(method=each.method, path=each.path, handler=each.handler)
        for each in demo_routes(page)
    ]


def _in_checkout() -> bool:
    return Path("bot/segue").is_dir()


def _shown(path: Path) -> str:
    """Return a path as one would type it here."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


# -- the browser -----------------------------------------------------------------------------------


def _has_browser() -> bool:
    """Tell whether a window could open: somebody sits here, and there is a screen."""
    if os.environ.get("CI") or not sys.stdout.isatty() or os.environ.get("SSH_CONNECTION"):
        return False
    screen = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return sys.platform == "darwin" or bool(screen)


def _open(address: str) -> None:
    import webbrowser

    try:
        webbrowser.open(address)
    except (webbrowser.Error, OSError) as error:
        raise SegueError(f"no browser could be opened ({error})") from error
