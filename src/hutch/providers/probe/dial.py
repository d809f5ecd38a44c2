"""A connection to a host, each phase timed by itself, and what was wrong where it cannot be had.

Names are looked up in threads of their own: a resolver that hangs must not take those that everything else shares.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

from hutch.model.probe import PHASES

LOOKUPS = 32
"""Look-ups under way at once; further ones wait, and the time-out of their probe holds."""

LIMIT = 64 * 1024
"""Bytes that are buffered of what the other side sends: it is stopped at twice that."""

FIRST_SHARE = 0.5
"""The part of the remaining time that one of several addresses may take."""

_resolvers = ThreadPoolExecutor(LOOKUPS, thread_name_prefix="hutch-lookup")
Address = tuple[Any, ...]


class Unreached(Exception):
    """No answer. ``kind`` is ``lookup`` ``refused`` ``tls`` ``expired`` or ``broken``; the text is for people."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(slots=True)
class Watch:
    """Adds up how long each phase took; over several hops, as curl does. ``last`` ended last in this hop."""

    spans: dict[str, float] = field(default_factory=dict)
    start: float = field(default_factory=time.monotonic)
    mark: float = 0.0
    last: str = ""

    def __post_init__(self) -> None:
        self.mark = self.start

    def hop(self) -> None:
        """Another connection begins now."""
        self.mark, self.last = time.monotonic(), ""

    def note(self, phase: str) -> None:
        """``phase`` ends now."""
        now = time.monotonic()
        self.spans[phase] = self.spans.get(phase, 0.0) + now - self.mark
        self.mark, self.last = now, phase

    def phases(self) -> dict[str, float]:
        """The end of each phase in seconds since the start; ``total`` until now."""
        ends, end = {}, 0.0
        for name in PHASES[:-1]:
            if name in self.spans:
                end += self.spans[name]
                ends[name] = round(end, 6)
        return {**ends, "total": round(max(end, time.monotonic() - self.start), 6)}


@dataclass(frozen=True, slots=True)
class Line:
    """An open connection; ``certificate_ends`` is when the other side's certificate does."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    certificate_ends: datetime | None = None

    def drop(self) -> None:
        """Close it at once, without a word."""
        self.writer.transport.abort()


async def dial(host: str, port: int, watch: Watch, within: float, tls: ssl.SSLContext | None = None) -> Line:
    """Connect; ``within`` seconds bound how long an address that is silent may keep from the next one.

    Raises :class:`Unreached`; the caller brings the time limit for the whole.
    """
    addresses = await _looked_up(host, port)
    watch.note("lookup")
    sock = await _connected(addresses, f"{host}:{port}", watch.start + within)
    watch.note("connect")
    try:
        reader, writer = await asyncio.open_connection(
            sock=sock, ssl=tls, server_hostname=host if tls else None, limit=LIMIT
        )
    except ssl.SSLCertVerificationError as error:
        kind = "expired" if error.verify_message == "certificate has expired" else "tls"
        raise Unreached(kind, f"the certificate of {host} is not accepted: {error.verify_message}") from error
    except (OSError, EOFError) as error:
        raise Unreached("tls", f"no TLS with {host}:{port}: {told(error)}") from error
    if tls:
        watch.note("tls")
    return Line(reader, writer, _ends(writer) if tls else None)


@cache
def trusting(authorities: str, protocol: str = "") -> ssl.SSLContext:
    """Settings for TLS that verify the other side; shared, since reading the authorities takes long.

    Raises ``ValueError`` for a file that holds none.
    """
    try:
        context = ssl.create_default_context(cafile=authorities or None)
    except (ssl.SSLError, OSError) as error:
        raise ValueError(f"ca: {authorities} holds no certificates in PEM form") from error
    if protocol:
        context.set_alpn_protocols([protocol])
    return context


async def _looked_up(host: str, port: int) -> list[Address]:
    with suppress(OSError):  # an address needs no look-up
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    loop = asyncio.get_running_loop()
    try:
        return await loop.run_in_executor(_resolvers, _resolve, host, port)
    except (OSError, UnicodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is no name"
        raise Unreached("lookup", f"the name {host} has no address: {said}") from error


def _resolve(host: str, port: int) -> list[Address]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


async def _connected(addresses: Sequence[Address], where: str, deadline: float) -> socket.socket:
    """A socket to the first address that answers, in the resolver's order."""
    failed = ""
    for number, (family, kind, protocol, _, address) in enumerate(addresses, start=1):
        left = deadline - time.monotonic()
        share = left * FIRST_SHARE if number < len(addresses) else left + 1  # the last has the caller's limit
        try:
            return await _socket_to(family, kind, protocol, address, share)
        except TimeoutError:
            failed = "no answer"
        except OSError as error:
            failed = told(error)
    raise Unreached("refused", f"no connection to {where}: {failed}")


async def _socket_to(family: int, kind: int, protocol: int, address: Any, share: float) -> socket.socket:
    sock = socket.socket(family, kind, protocol)
    connected = False
    try:
        sock.setblocking(False)
        async with asyncio.timeout(share):
            await asyncio.get_running_loop().sock_connect(sock, address)
        connected = True
        return sock
    finally:
        if not connected:
            sock.close()


def _ends(writer: asyncio.StreamWriter) -> datetime | None:
    shown = writer.get_extra_info("peercert") or {}
    until = shown.get("notAfter")
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(until), UTC) if until else None


def told(error: BaseException) -> str:
    """An error of the operating system or of TLS, for people."""
    if isinstance(error, ssl.SSLError):
        return (error.reason or "TLS failed").lower().replace("_", " ")
    number = getattr(error, "errno", None)
    if isinstance(error, OSError) and number and number > 0:
        return os.strerror(number)  # asyncio puts the address into its own text
    return str(error) or type(error).__name__
