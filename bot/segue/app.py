"""The composition root: settings in, a running Segue out.

Here, and only here, the rooms are put together. Adapters are found by entry point
(`segue.channels`) or as `module:Class` in `channels.NAME.adapter`; nothing else imports them.
"""

from __future__ import annotations

import asyncio
import importlib
import io
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from segue import consent
from segue.builtin import builtin_dialogs
from segue.channel import Adapter, Capabilities, Route, Site
from segue.dialog import Registry, load_dialogs
from segue.engine.care import Rate
from segue.engine.catching_up import CatchUp
from segue.engine.delivery import Delivery
from segue.engine.gateway import Core
from segue.engine.outcomes import Policy
from segue.engine.setup import Company, Observer, Setup, anywhere, orders
from segue.engine.steps import Caller
from segue.engine.worker import Worker
from segue.errors import SettingsError, StoreUnavailable
from segue.identity.erasing import Erasing
from segue.identity.exporting import Exporting
from segue.identity.merging import Merging
from segue.identity.room import Room
from segue.masking import Masker
from segue.media import MediaRoom, media_links
from segue.memory import Store, open_store, records
from segue.memory.upkeep import Pausable
from segue.ports import Chance, Clock, Ids, SystemChance, SystemClock, SystemIds
from segue.router import plain_router
from segue.settings import Settings, SpendingSettings, channel_settings, missing_folder
from segue.settings.limits import store_limits
from segue.slots.warm import warm
from segue.spending import Caps, Spending
from segue.types import CustomerId
from segue.voice import Voice, load_voice

if TYPE_CHECKING:
    from segue.api.door import Door
    from segue.api.verified import Asking
    from segue.api.webhooks import Teller

log = logging.getLogger("segue.app")

_TIDY = 600.0
"""Seconds between two looks for what is too old: copies of attachments, events."""
_WARM_AFTER = 3.0
"""Seconds until slots load their libraries: being ready comes first."""


class App:
    """One process of Segue."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        ids: Ids | None = None,
        chance: Chance | None = None,
        adapters: Mapping[str, Adapter] | None = None,
        observers: Sequence[Observer] = (),
        play_twice: bool = False,
        caller: Caller | None = None,
    ) -> None:
        """`adapters` replaces those named in the settings; `caller` calls the steps (tests)."""
        self.settings = settings
        self.clock = clock or SystemClock()
        self.ids = ids or SystemIds()
        self.chance = chance or SystemChance()
        self.adapters: Mapping[str, Adapter] = adapters if adapters is not None else {}
        self._given = adapters is not None
        self._observers = list(observers)
        self._play_twice = play_twice
        self._caller = caller
        self._tasks: list[asyncio.Task[None]] = []
        self._wakers: list[Callable[[CustomerId], None]] = []
        self._stop_hints: Callable[[], Any] | None = None
        self.room = Room()
        self.store: Store
        self.worker: Worker
        self.core: Core
        self.merging: Merging
        self.erasing: Erasing
        self.exporting: Exporting
        self.delivery: Delivery
        self.catch_up: CatchUp
        self.setup: Setup

    # -- life --------------------------------------------------------------------------------------

    def load(self) -> None:
        """Read dialogs, voice and adapters: whatever is wrong is found before anything starts."""
        self.setup = self.make_setup(*self.read())

    def read(self) -> tuple[Registry, Voice]:
        """Read dialogs and voice from their folders. Raises `DialogError` or `VoiceError`."""
        settings = self.settings
        for name, path in (("dialogs", settings.dialogs.path), ("voice", settings.voice.path)):
            if not Path(path).is_dir():
                raise missing_folder(f"{name}.path", path)
        dialogs = load_dialogs(settings.dialogs.path)
        voice = load_voice(
            settings.voice.path,
            default_locale=settings.company.locale,
            allowed_domains=settings.voice.allowed_domains,
            timezone=ZoneInfo(settings.company.timezone),
        )
        return dialogs, voice

    def make_setup(self, dialogs: Registry, voice: Voice) -> Setup:
        """Put what was read together; a turn under way keeps the one it has."""
        self.channels()
        dialogs = dialogs.with_builtin(builtin_dialogs(self.room, voice))
        company = self.settings.company
        capabilities: dict[str, Capabilities] = {
            name: adapter.capabilities for name, adapter in self.adapters.items()
        }
        return Setup(
            voice=voice,
            dialogs=dialogs,
            router=plain_router(
                intents(dialogs, voice), default_locale=self.settings.company.locale
            ),
            company=Company(
                name=company.name,
                phone=company.phone,
                email=company.email,
                hours=company.hours,
                locale=company.locale,
                timezone=ZoneInfo(company.timezone),
                quiet=company.quiet_minutes,
            ),
            capabilities=capabilities,
            clock=self.clock,
            chance=self.chance,
            paused=self._paused,
            pausing=lambda: bool(self.store.pauses()) if hasattr(self, "store") else False,
            reply_life=timedelta(minutes=self.settings.sends.reply_minutes),
            first_life=timedelta(minutes=self.settings.sends.first_minutes),
            silence=timedelta(minutes=self.settings.api.silent_minutes),
            silent=timedelta(days=self.settings.identity.silent_days),
            fact_life=timedelta(days=self.settings.store.profile_days),
            orders=orders(voice),
            anywhere=anywhere(dialogs),
            flood=Rate(rate=self.settings.customers.rate, burst=self.settings.customers.burst),
            break_loops=self.settings.customers.break_loops,
            consent=consent.table(map(voice.words, voice.locales)),
            play_twice=self._play_twice,
            caller=self._caller,
        )

    async def start(self, store: Store | None = None) -> None:
        """Open the store, start the adapters, begin to sweep. `store` is one already open."""
        settings = self.settings
        if not hasattr(self, "setup"):
            self.load()
        self.store = store or await open_store(
            settings.store.url,
            prefix=settings.store.prefix,
            partitions=settings.store.partitions,
            data_dir=settings.store.data_dir,
            fsync=settings.store.fsync,
            limits=store_limits(settings),
            clock=self.clock,
            ids=self.ids,
        )
        self._own_store = store is None
        self.delivery = Delivery(
            self.store,
            self.adapters,
            self.clock,
            paused=lambda: self._paused("sends", "") is not None,
            policy=Policy(
                timeout=settings.sends.timeout_seconds,
                attempts=settings.sends.attempts,
                backoff=settings.sends.backoff_seconds,
                limit=settings.sends.backoff_limit_seconds,
            ),
            chance=self.chance,
        )
        self.worker = Worker(
            store=self.store,
            setup=lambda: self.setup,
            delivery=self.delivery,
            clock=self.clock,
            chance=self.chance,
            lease_seconds=settings.store.lease_seconds,
            wake=self._woken,
            observers=self._observers,
        )
        self.room.open(self)
        self.spending = Spending(self.store, _caps(settings.spending), self.clock)
        self.room.proving.spending = self.spending
        self.delivery.limit_spending(self.spending.may_send)
        self.core = Core(
            store=self.store,
            worker=self.worker,
            setup=lambda: self.setup,
            masker=Masker(cards=settings.masking.cards, patterns=tuple(settings.masking.patterns)),
            clock=self.clock,
            ids=self.ids,
        )
        self.room.core = self.core
        self.worker.ask_company = lambda customer: self.asking.ask(customer)
        self.room.proving.verified = lambda customer, address: self.asking.nudge(customer, address)
        self.catch_up = CatchUp(self.store, self.core, self.adapters, self.clock, self.chance)
        self.merging = Merging(
            self.store,
            clock=self.clock,
            ids=self.ids,
            undo=timedelta(hours=settings.identity.undo_hours),
            dropped=lambda _customer, address: self.core.forget(address),
        )
        self.room.merging = Merging(
            self.store,
            clock=self.clock,
            ids=self.ids,
            undo=timedelta(hours=settings.identity.undo_hours),
            patience=timedelta(0),  # It is called inside turns, which it cannot wait for.
            dropped=lambda _customer, address: self.core.forget(address),
        )
        self.erasing = Erasing(
            self.store, self.merging, adapters=lambda: self.adapters, media=self.media
        )
        self.exporting = Exporting(self.store, adapters=lambda: self.adapters, clock=self.clock)
        self.room.export, self.room.erase = self._export, self._erase
        self.worker.erase = self._erase
        self.worker.resume = self._resume
        for adapter in self.adapters.values():
            await adapter.start(self.core)

    def routes(self) -> list[Route]:
        """Return the paths that are the core's own, beside those of the adapters."""
        from segue.api.routes import api_routes

        return [*self.media.routes(), *api_routes(self.door)]

    @cached_property
    def asking(self) -> Asking:
        """Who asks the project about customers who have proved who they are."""
        from segue.api.verified import Asking

        return Asking(self.store, self.core, lambda: self.setup, self.clock)

    @cached_property
    def teller(self) -> Teller:
        """Who tells other systems what happened."""
        from segue.api.webhooks import Teller

        return Teller(
            self.store,
            clock=self.clock,
            chance=self.chance,
            private=self.settings.api.private_webhooks,
        )

    @cached_property
    def door(self) -> Door:
        """What the company's own systems come in by; the store must be open."""
        from segue.api.door import Door

        settings = self.settings
        return Door(
            store=self.store,
            core=self.core,
            setup=lambda: self.setup,
            adapters=self.adapters,
            settings=settings.api,
            issuer=settings.api.issuer or str(settings.channels.get("web", {}).get("issuer", "")),
            mask=self.core.masker.mask,
            clock=self.clock,
            ids=self.ids,
        )

    @cached_property
    def media(self) -> MediaRoom:
        """What customers attached, behind links that end."""
        settings = self.settings
        links = media_links(
            settings.media,
            data_dir=settings.store.data_dir,
            public_url=settings.server.public_url,
            clock=self.clock,
        )
        return MediaRoom(
            lambda: {**self.adapters, **self.room.drawers},
            links,
            settings.store.data_dir / "media",
            copy_hours=settings.media.copy_hours,
            copies_bytes=settings.media.copies_bytes,
            clock=self.clock,
            ids=self.ids,
        )

    async def watch(self, *, sweep_every: float = 1.0) -> None:
        """Begin what runs beside requests: hints, the sweeper, and loading what slots load late."""
        loop = asyncio.get_running_loop()
        loop.call_later(_WARM_AFTER, loop.run_in_executor, None, warm)
        self._stop_hints = self.store.subscribe(self.core.wake)
        self._tasks.append(asyncio.create_task(self.worker.sweep_forever(sweep_every)))
        self._tasks.append(asyncio.create_task(self.teller.run()))
        self._tasks.append(asyncio.create_task(self.catch_up.run_forever()))
        self._tasks.append(asyncio.create_task(self._tidy()))

    async def stop(self, grace: float | None = None) -> None:
        """Stop intake, finish or hand back turns, close. Safe to call twice."""
        if not hasattr(self, "core"):
            return
        self.core.closed = True
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self._tasks.clear()
        await self.worker.drain(self.settings.server.grace_seconds if grace is None else grace)
        await self.media.stop()
        for adapter in self.adapters.values():
            await adapter.stop()
        if self._stop_hints is not None:
            self._stop_hints()
            self._stop_hints = None
        if self._own_store:
            await self.store.aclose()

    async def ready(self) -> str | None:
        """Return why this process should get no traffic, or None."""
        if self.core.closed:
            return "stopping"
        try:
            async with asyncio.timeout(1):
                await self.store.server.info()
        except (StoreUnavailable, TimeoutError):
            return "the store cannot be reached"
        return None

    async def _tidy(self) -> None:
        while True:
            await self.clock.sleep(_TIDY)
            await asyncio.to_thread(self.media.tidy)
            if await self.store.singleton("trim", _TIDY / 2):
                await self.store.trim()

    # -- parts -------------------------------------------------------------------------------------

    async def _export(self, customer: CustomerId) -> bytes | None:
        archive = io.BytesIO()
        found = await self.exporting.export(customer, archive, actor="customer")
        return archive.getvalue() if found else None

    async def _erase(self, customer: CustomerId) -> None:
        await self.erasing.erase(customer, actor="customer")

    async def _resume(self, customer: CustomerId, found: records.Merging | records.Erasing) -> None:
        if isinstance(found, records.Merging):
            await self.merging.resume(found.intent)
        else:
            await self.erasing.resume(customer)

    def _woken(self, customer: CustomerId) -> None:
        self.core.wake(customer)

    def _paused(self, kind: Pausable, name: str) -> str | None:
        return self.store.paused(kind, name) if hasattr(self, "store") else None

    def channels(self) -> Mapping[str, Adapter]:
        """Return the adapters, found if they were not yet; nothing is started."""
        if not self._given and not self.adapters:
            self.adapters = self._find_adapters()
        return self.adapters

    def _find_adapters(self) -> dict[str, Adapter]:
        return {
            name: make_adapter(self.settings, name, clock=self.clock, ids=self.ids)
            for name in self.settings.channels
        }


def make_adapter(
    settings: Settings, name: str, *, clock: Clock | None = None, ids: Ids | None = None
) -> Adapter:
    """Return the adapter of a channel, as it is set up. Raises `SettingsError`."""
    section = settings.channels[name]
    known = {point.name: point for point in entry_points(group="segue.channels")}
    path = section.get("adapter")
    if path:
        kind = _imported(name, str(path))
    elif name in known:
        kind = adapter_class(name, known[name])
    else:
        raise SettingsError(
            f"channels.{name}",
            "no adapter of this name is installed",
            f"Known are {', '.join(sorted(known)) or 'none'}; "
            'name another one with adapter = "module:Class"',
        )
    site = Site(
        data_dir=settings.store.data_dir,
        public_url=settings.server.public_url,
        privacy_url=settings.company.privacy_url,
        body_limit=settings.server.body_limit,
        clock=clock or SystemClock(),
        ids=ids or SystemIds(),
    )
    rest = {key: value for key, value in section.items() if key != "adapter"}
    chosen = settings.model_copy(update={"channels": {**settings.channels, name: rest}})
    made: Adapter = kind(channel_settings(chosen, name, kind.Settings), site)
    return made


_EXTRAS = {"whatsapp": "sms"}
"""Channel → the extra that installs its library, where it has another name."""


def adapter_class(name: str, point: EntryPoint) -> Any:
    """Return an adapter that is part of an installation. Raises `SettingsError`."""
    try:
        return point.load()
    except ImportError as error:
        raise SettingsError(
            f"channels.{name}",
            f"its library is not installed ({error.name or error})",
            f'Install it: pip install "segue[{_EXTRAS.get(point.name, point.name)}]"',
        ) from error


def _caps(spending: SpendingSettings) -> Caps:
    return Caps(**{**spending.model_dump(), "countries": frozenset(spending.countries)})


def _imported(name: str, path: str) -> Any:
    module, _, attribute = path.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise SettingsError(
            f"channels.{name}.adapter",
            f"{path} cannot be loaded ({error})",
            'Write it as "module:Class", importable from here',
        ) from error


def intents(dialogs: Registry, voice: Voice) -> dict[str, dict[str, list[str]]]:
    """Return what can be asked for: intent → locale → examples, from dialogs and answers."""
    found: dict[str, dict[str, list[str]]] = {
        f"dialog:{name}": {locale: list(told) for locale, told in examples.items()}
        for name, examples in dialogs.intents(voice.default_locale).items()
    }
    for locale in voice.locales:
        for answer, examples in voice.answers(locale):
            found.setdefault(f"answer:{answer}", {})[locale] = list(examples)
    return found
