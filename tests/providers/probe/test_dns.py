"""The DNS probe against a tiny authoritative server on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from hutch.model.finding import Object
from hutch.providers.probe import dns as kind
from probe_world import look

ZONE = {
    "shop.example.": {
        "A": ["192.0.2.7", "192.0.2.8"],
        "MX": ["10 Mail.shop.example."],
        "TXT": ['"v=spf1 -all"'],
        "CNAME": [],
    },
    "big.example.": {"TXT": [f'"{"x" * 200} {n}"' for n in range(20)]},
}
Answer = Callable[[dns.message.Message], bytes | None]


def authoritative(query: dns.message.Message) -> bytes:
    asked = query.question[0]
    reply = dns.message.make_response(query)
    reply.flags |= dns.flags.AA
    records = ZONE.get(asked.name.to_text())
    if records is None:
        reply.set_rcode(dns.rcode.NXDOMAIN)
    kind = dns.rdatatype.to_text(asked.rdtype)
    if records and records.get(kind):
        reply.answer.append(dns.rrset.from_text(asked.name, 60, "IN", kind, *records[kind]))
    return reply.to_wire(max_size=65535)


class Udp(asyncio.DatagramProtocol):
    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def datagram_received(self, data: bytes, addr: object) -> None:
        query = dns.message.from_wire(data)
        wire = self.answer(query)
        if wire is not None and len(wire) > 1232:
            short = dns.message.make_response(query)
            short.flags |= dns.flags.TC
            wire = short.to_wire()
        if wire is not None:
            self.transport.sendto(wire, addr)


@asynccontextmanager
async def name_server(answer: Answer = authoritative) -> AsyncIterator[str]:
    """``ADDRESS:PORT`` of a server that answers over UDP, and over TCP on the same port."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = int.from_bytes(await reader.readexactly(2))
        wire = answer(dns.message.from_wire(await reader.readexactly(size))) or b""
        writer.write(len(wire).to_bytes(2) + wire)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: Udp(answer), local_addr=("127.0.0.1", port))
    try:
        yield f"127.0.0.1:{port}"
    finally:
        transport.close()
        server.close()


async def test_a_name_is_answered() -> None:
    async with name_server() as place:
        seen = await look(kind, "shop.example", server=place)
        assert (seen.success, seen.detail, seen.answered) == (True, "192.0.2.7, 192.0.2.8", True)
        assert list(seen.phases) == ["lookup", "total"]
        assert (await look(kind, "shop.example.", server=place, answers=["192.0.2.8", "192.0.2.7"])).success
        assert (await look(kind, "shop.example", server=place, type="mx", answers=["10 mail.shop.example"])).success
        assert (await look(kind, "shop.example", server=place, type="TXT", answers=["v=spf1 -all"])).success


@pytest.mark.parametrize(
    ("name", "settings", "detail"),
    [
        ("nothing.example", {}, "nothing.example A: the answer is NXDOMAIN"),
        ("shop.example", {"type": "AAAA"}, "shop.example has no AAAA record"),
        (
            "shop.example",
            {"answers": ["192.0.2.9"]},
            "shop.example A is 192.0.2.7, 192.0.2.8; 192.0.2.9 expected",
        ),
    ],
)
async def test_an_answer_that_is_not_the_expected_one(name: str, settings: dict[str, object], detail: str) -> None:
    async with name_server() as place:
        seen = await look(kind, name, server=place, **settings)
    assert (seen.success, seen.answered, seen.detail) == (False, True, detail)
    assert (seen.cause, seen.object) == ("http.dns", Object("host", name))


async def test_an_answer_that_does_not_fit_comes_over_tcp() -> None:
    async with name_server() as place:
        seen = await look(kind, "big.example", type="TXT", server=place)
    assert seen.success
    assert len(seen.detail) == 500


async def test_silence_and_junk() -> None:
    async with name_server(lambda _: None) as place:
        seen = await look(kind, "shop.example", server=place, timeout=0.3)
        assert seen.detail == f"no answer from {place} within 0.3 s"
    async with name_server(lambda query: query.id.to_bytes(2) + b"\xff" * 30) as place:
        seen = await look(kind, "shop.example", server=place, timeout=0.5)
        assert not seen.success and seen.cause == "http.dns"
        assert seen.detail.startswith(f"no answer of {place} can be read: ")
    nobody = await look(kind, "shop.example", server="127.0.0.1:1", timeout=0.5)
    assert not nobody.success
