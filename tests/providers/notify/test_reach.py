"""Where a message by HTTP may not go, whatever name, redirect or form of an address leads there."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from hutch.model.action import Result
from hutch.providers.notify.post import dial_url, post
from hutch.providers.notify.reach import may, networks_of
from sinks import hook

HERE = networks_of(["127.0.0.0/8"])

INSIDE = (
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254",
    "100.100.100.200", "168.63.129.16", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::ffff:10.0.0.1", "::ffff:7f00:1", "::127.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::a00:1",
    "2002:7f00:1::1", "2001:0:53aa:64c:0:fbfe:80ff:fffe", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0",
    "fec0::1", "ff02::1", "2001:db8::1", "not an address", "",
)  # fmt: skip
OUTSIDE = ("93.184.215.14", "8.8.8.8", "2606:4700::6810:84e5", "::ffff:8.8.8.8", "64:ff9b::808:808")


def test_only_the_public_internet_may_be_reached() -> None:
    assert [a for a in INSIDE if may(a, ())] == []
    assert [a for a in OUTSIDE if not may(a, ())] == []


def test_the_configuration_opens_its_own_networks_and_never_those_that_hand_out_credentials() -> None:
    own = networks_of(["10.0.0.0/8", "fd12::/16"])
    assert may("10.9.9.9", own) and may("::ffff:10.9.9.9", own) and may("fd12::5", own)
    assert not may("192.168.0.1", own) and not may("fd13::5", own)
    everything = networks_of(["0.0.0.0/0", "::/0"])
    never = ("169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "fd00:ec2::254", "168.63.129.16",
             "100.100.100.200", "fe80::1", "224.0.0.1", "0.0.0.0", "::")  # fmt: skip
    assert [a for a in never if may(a, everything)] == []
    with pytest.raises(ValueError, match=r"networks: expected networks such as 10\.0\.0\.0/8, found '10\.0\.0\.1/8'"):
        networks_of(["10.0.0.1/8"])


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::ffff:127.0.0.1]", "0.0.0.0"],
)
async def test_no_way_of_writing_this_machine_reaches_it(host: str) -> None:
    async with hook() as one:
        url = f"http://{host}:{one.port}/hook"
        for outcome in (await post(url, b"{}", {}, 5), await dial_url(url, 5)):
            assert (outcome.result, outcome.recoverable) == (Result.FAILED, False), outcome
            assert "messages do not go to" in outcome.summary or "InvalidUrl" in outcome.summary
        assert one.got == []


async def test_a_name_that_changes_its_mind_reaches_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo
    asked = []

    def lookup(host: Any, port: Any, *more: Any, **named: Any) -> Any:
        if host not in ("rebind.example", b"rebind.example"):
            return real(host, port, *more, **named)
        asked.append(host)
        first = "127.0.0.9" if len(asked) % 2 else "127.0.0.1"  # allowed, then not
        return real(first, port, *more, **named) + real("127.0.0.1", port, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    async with hook() as one:
        for _ in range(4):
            outcome = await post(f"http://rebind.example:{one.port}/", b"{}", {}, 5, networks_of(["127.0.0.9/32"]))
            assert outcome.result is Result.FAILED
        assert asked and one.got == []


async def test_a_redirect_is_not_followed() -> None:
    async with hook() as inside:

        async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(f"HTTP/1.1 307 x\r\nLocation: {inside.url}\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()
            writer.close()

        async with answering(redirect) as url:
            outcome = await post(url, b"{}", {}, 5, HERE)
        assert (outcome.result, outcome.recoverable, inside.got) == (Result.FAILED, False, [])
        assert "answered 307" in outcome.summary


async def test_an_answer_without_end_is_not_read() -> None:
    sent = 0

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 x\r\nContent-Length: 100000000000\r\n\r\n")
        for _ in range(10_000):
            writer.write(bytes(65_536))
            await writer.drain()
            sent += 65_536

    async with answering(endless) as url:
        outcome = await post(url, b"{}", {}, 20, HERE)
    assert outcome.result is Result.DONE
    assert sent < 64 * 1024 * 1024, "only what the system's buffers took"


async def test_a_head_without_end_and_a_server_that_says_nothing_are_given_up() -> None:
    async def heads(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 x\r\n")
        for number in range(100_000):
            writer.write(f"X-{number}: {'y' * 900}\r\n".encode())
            await writer.drain()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with answering(heads) as url:
        outcome = await post(url, b"{}", {}, 30, HERE)
        assert outcome.result is Result.FAILED and "no answer in time" not in outcome.summary
    async with answering(silent) as url:
        outcome = await post(url, b"{}", {}, 0.3, HERE)
        assert (outcome.recoverable, "no answer in time" in outcome.summary) == (True, True)


@asynccontextmanager
async def answering(
    how: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """A server on loopback that answers so."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        tasks.add(task)
        try:
            await how(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
