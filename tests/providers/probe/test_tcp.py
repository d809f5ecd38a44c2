"""The TCP probe against small real servers."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from hutch.model.finding import Object
from hutch.providers.probe import tcp
from hutch.providers.probe.dial import LIMIT
from probe_world import Authority, Serve, Talk, look


def greeting(*pieces: bytes, stay: bool = True) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(0.02)
        if stay:
            await reader.read()

    return talk


async def test_connecting_is_enough(serve: Serve) -> None:
    seen = await look(tcp, f"localhost:{await serve(greeting())}")
    assert (seen.success, seen.detail, seen.cause) == (True, "connected", "")
    assert list(seen.phases) == ["lookup", "connect", "total"]


async def test_what_must_be_said_may_come_in_pieces(serve: Serve) -> None:
    port = await serve(greeting(b"220 mail.sho", b"p.example ESMTP\r\n"))
    seen = await look(tcp, f"127.0.0.1:{port}", expect="220 * ESMTP")
    assert (seen.success, seen.answered) == (True, True)
    assert seen.detail == "it said: 220 mail.shop.example ESMTP"
    assert seen.phases["connect"] < seen.phases["first_byte"] < seen.phases["total"]


async def test_what_is_sent_arrives(serve: Serve) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"you said " + await reader.readline())
        await writer.drain()

    assert (await look(tcp, f"127.0.0.1:{await serve(talk)}", send="hello\r\n", expect="said hello")).success


@pytest.mark.parametrize(
    ("talk", "detail"),
    [
        (greeting(b"421 busy\r\n", stay=False), "it did not say '220': it closed the connection; it said: 421 busy"),
        (greeting(b"421 busy\r\n"), "it did not say '220' within 0.3 s; it said: 421 busy"),
        (greeting(), "no answer within 0.3 s"),
        (greeting(b"x" * (2 * LIMIT)), f"it did not say '220': in {LIMIT} bytes; it said: {'x' * 200}"),
    ],
    ids=["another word", "another word, and it stays", "silence", "too much"],
)
async def test_what_is_not_said(serve: Serve, talk: Talk, detail: str) -> None:
    port = await serve(talk)
    seen = await look(tcp, f"127.0.0.1:{port}", expect="220", timeout=0.3)
    assert (seen.success, seen.cause, seen.detail) == (False, "tcp.unreachable", detail)
    assert seen.object == Object("host", f"127.0.0.1:{port}")


async def test_nobody_listens_and_no_name() -> None:
    refused = await look(tcp, "127.0.0.1:1")
    assert (refused.cause, refused.detail) == ("tcp.unreachable", "no connection to 127.0.0.1:1: Connection refused")
    assert (await look(tcp, "no-such-host.invalid:80")).cause == "http.dns"


async def test_tls(serve: Serve, authority: Authority) -> None:
    port = await serve(greeting(b"* OK\r\n"), authority.serving(timedelta(days=3, hours=1)))
    seen = await look(tcp, f"localhost:{port}", tls=True, ca=str(authority.file), expect="OK")
    assert (seen.success, seen.cause) == (True, "http.tls_expiring")
    assert "it said: * OK; the certificate of localhost ends in 3 days" in seen.detail
    assert "tls" in seen.phases
    ended = await serve(greeting(), authority.serving(timedelta(days=-2)))
    seen = await look(tcp, f"localhost:{ended}", tls=True, ca=str(authority.file))
    assert (seen.success, seen.cause) == (False, "http.tls_expiring")
