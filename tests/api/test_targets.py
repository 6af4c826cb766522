"""T32: where a webhook may go."""

from __future__ import annotations

import ipaddress
import socket

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from segue.api.targets import BadTarget, CarefulResolver, check_target, public

PRIVATE = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "0.0.0.0",
    "192.0.0.192", "168.63.129.16", "224.0.0.1", "255.255.255.255", "198.18.0.1", "240.0.0.1",
    "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:169.254.169.254", "::ffff:10.0.0.1",
    "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001:0:7f00:1::", "fd00:ec2::254", "fec0::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public(address: str) -> None:
    """Private, loopback, link-local, carriers', metadata, and IPv4 in disguise."""
    assert not public(ipaddress.ip_address(address))
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(BadTarget):
        check_target(f"https://{host}/hook", private=False)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"])
def test_an_address_that_is_public(address: str) -> None:
    """The rest of the internet."""
    assert public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/hook",
        "ftp://shop.example/",
        "file:///etc/passwd",
        "gopher://shop.example/",
        "https://",
        "https://user:secret@shop.example/",
        "https://shop.example/#part",
        "https://0/",
        "https://0x7f.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://017700000001/",
        "https://[::ffff:127.0.0.1]/",
        "https://shop.example:99999/",
        "not an address",
    ],
)
def test_what_is_refused_before_any_look_up(url: str) -> None:
    """Other schemes, hidden users, and every way to write this machine."""
    with pytest.raises(BadTarget):
        check_target(url, private=False)


def test_what_is_let_in() -> None:
    """A public host by https; with the setting also one of our own."""
    check_target("https://shop.example/hook?x=1", private=False)
    check_target("https://shop.example:8443/hook", private=False)
    check_target("http://127.0.0.1:9000/hook", private=True)


class Names(AbstractResolver):
    """Answers differently each time."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = list(answers)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=ip, port=port, family=family, proto=0, flags=0)
            for ip in self._answers.pop(0)
        ]

    async def close(self) -> None:
        return


async def test_a_name_is_looked_at_each_time_it_is_looked_up() -> None:
    """A name that is public first and private then is refused then; one bad address is enough."""
    resolver = CarefulResolver(
        private=False,
        inner=Names(["93.184.216.34"], ["127.0.0.1"], ["93.184.216.34", "10.0.0.1"]),
    )
    assert [each["host"] for each in await resolver.resolve("a.example")] == ["93.184.216.34"]
    for _ in range(2):
        with pytest.raises(OSError, match="private"):
            await resolver.resolve("a.example")
