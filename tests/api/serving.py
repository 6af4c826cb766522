"""A whole process with the company's door, to be killed: `python serving.py STORE PREFIX`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from segue.app import App
from segue.dialog import Registry
from segue.server import Gate, Metrics, Server, make_app
from segue.testing import inline
from segue.testing.channels import StageChannel

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.api import conftest


async def main(url: str, prefix: str) -> None:
    """Print the address, serve for a minute at the most."""
    settings = inline.settings(
        {"store": {"url": url, "prefix": prefix, "partitions": 4, "lease_seconds": 1}}
    )
    app = App(settings, adapters={"web": StageChannel("web")})
    app.setup = app.make_setup(Registry([conftest.shipped]), inline.voice(conftest.VOICE))
    await app.start()
    await app.watch(sweep_every=0.2)
    server = Server(
        make_app({}, app.core, routes=app.routes(), metrics=Metrics(), gate=Gate()), port=0
    )
    print(await server.start(), flush=True)
    await asyncio.sleep(60)


asyncio.run(main(*sys.argv[1:]))
