"""Closed-loop customers over HTTP: each writes, waits for the answer, and writes again.

Raw connections, so that the client's own time does not hide the server's.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from itertools import count

SCRIPT = ("I want to send something back", "A1001", "damaged", "yes")
_ids = count()


@dataclass
class Visitor:
    """One customer on one connection."""

    port: int
    path: str
    session: str = ""
    name: str = ""
    turns: int = 0
    latencies: list[float] = field(default_factory=list)

    async def connect(self) -> None:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)

    async def say(self, text: str) -> dict[str, object]:
        """Write one message and return the answer's JSON."""
        posted = {"text": text, "client_message_id": f"m{next(_ids)}"}
        if self.name:
            posted["customer"] = self.name
        body = json.dumps(posted).encode()
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n"
        )
        if self.session:
            head += f"Authorization: Bearer {self.session}\r\n"
        begun = time.perf_counter()
        self.writer.write(head.encode() + b"\r\n" + body)
        status = await self.reader.readline()
        length = 0
        while (line := await self.reader.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        answer = json.loads(await self.reader.readexactly(length))
        self.latencies.append(time.perf_counter() - begun)
        if b" 200 " not in status or not answer.get("replies"):
            raise RuntimeError(f"{status!r}: {answer}")
        if "session" in answer:
            self.session = str(answer["session"])
        self.turns += 1
        return answer

    async def talk(self, turns: int) -> None:
        """Go on with the script for so many turns."""
        for _ in range(turns):
            await self.say(SCRIPT[self.turns % len(SCRIPT)])

    def close(self) -> None:
        self.writer.close()


async def visitors(port: int, path: str, number: int, *, named: bool) -> list[Visitor]:
    """Return connected visitors who have been through the script once."""
    found = [Visitor(port, path, name=f"v{n}" if named else "") for n in range(number)]
    await asyncio.gather(*(visitor.connect() for visitor in found))
    await asyncio.gather(*(visitor.talk(len(SCRIPT)) for visitor in found))
    for visitor in found:
        visitor.latencies.clear()
    return found


async def talk(group: list[Visitor], turns: int) -> float:
    """Let all of them talk at once; return the seconds it took."""
    begun = time.perf_counter()
    await asyncio.gather(*(visitor.talk(turns) for visitor in group))
    return time.perf_counter() - begun
