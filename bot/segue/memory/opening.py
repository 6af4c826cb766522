"""Opening the store: from a URL to a `Store` that has been looked over."""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Literal

from segue.errors import SettingsError
from segue.memory.base import Limits
from segue.memory.checks import look_over, refuse
from segue.memory.connection import connect
from segue.memory.embedded import embedded
from segue.memory.keys import Keys
from segue.memory.store import Store
from segue.ports import Clock, Ids, SystemClock, SystemIds

log = logging.getLogger(__name__)


async def open_store(
    url: str = "embedded:",
    *,
    prefix: str = "segue:",
    partitions: int = 512,
    data_dir: Path | str = ".segue",
    fsync: Literal["everysec", "always"] = "everysec",
    lease: timedelta | None = None,
    retention: timedelta | None = None,
    limits: Limits | None = None,
    timeout: timedelta = timedelta(seconds=2),  # noqa: ASYNC109 - of every later reply
    patience: timedelta | None = None,
    clock: Clock | None = None,
    ids: Ids | None = None,
) -> Store:
    """Connect to the store, look it over and start listening; `aclose` it in the end.

    `embedded:` starts a server of our own in `data_dir` / `store`; `fsync` is for that one.
    `timeout` is for one reply, `patience` for one call with all its repetitions.
    Raises `StoreUnfit` if the server must not be used, `StoreUnavailable` if there is none.
    """
    clock = clock or SystemClock()
    limits = limits or Limits()
    limits = replace(limits, lease=lease or limits.lease, retention=retention or limits.retention)
    try:
        keys = Keys(prefix, partitions)
    except ValueError as error:
        raise SettingsError("store.prefix", str(error), "Choose another prefix") from error
    stack = AsyncExitStack()
    ensure = None
    try:
        if url.startswith("embedded:"):
            own = await stack.enter_async_context(embedded(Path(data_dir) / "store", fsync=fsync))
            url, ensure = own.url, own.ensure
        store = Store(
            connect(
                url,
                timeout=timeout.total_seconds(),
                patience=patience.total_seconds() if patience else None,
                ensure=ensure,
            ),
            keys,
            limits=limits,
            clock=clock,
            ids=ids or SystemIds(),
        )
        try:
            findings = await look_over(store.server, keys, clock)
            refuse(findings)
            for finding in findings:
                if finding.level == "warning":
                    log.warning(
                        "store.check",
                        extra={"segue": {"check": finding.name, "found": finding.found}},
                    )
            await store.start()
        except BaseException:
            await store.aclose()
            raise
    except BaseException:
        await stack.aclose()
        raise
    store.leave_with(stack)
    return store
