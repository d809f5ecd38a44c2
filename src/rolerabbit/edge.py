"""`rolerabbit edge`: what stands before the service: its certificate, its name, and the exporter of its metrics.

A front door over TLS, a name server that knows one name, and an exporter that passes the platform's metrics on, with
the backup's age. What each does wrong is read from a file at every question: so a fault can break it and mend it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import os
import signal
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, cast

import click
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from dns import exception, flags, message, rcode, rrset

from rolerabbit.load import stop_on_eof

NAME: Final = "www.rolerabbit.test"
"""The one name that is known; of a domain that no name server of the world has."""

ADDRESS: Final = "127.0.0.1"
BACKUP: Final = "backup.done"
"""The note whose time is that of the last backup."""

PATIENCE: Final = 5.0
"""Seconds for one visitor, and for the platform's metrics."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How it is: the days that the certificate has left, whether the name is known, whether the exporter works, and
    what the front door answers (0: it hangs up on everybody)."""

    certificate_days: int = 90
    named: bool = True
    exporting: bool = True
    door_status: int = 200


def folder_of(data_dir: Path) -> Path:
    """Where the edge of a platform keeps its files."""
    return data_dir / "edge"


def read(folder: Path) -> Wanted:
    """How it is now; well where nothing else is said."""
    try:
        return Wanted(**json.loads((folder / "wanted.json").read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Wanted()


def want(folder: Path, **changes: object) -> None:
    """From the next question on it is so; the file appears whole."""
    fresh = folder / ".wanted.json"
    fresh.write_text(json.dumps(asdict(replace(read(folder), **changes))), encoding="utf-8")  # type: ignore[arg-type]
    fresh.replace(folder / "wanted.json")


class Authority:
    """Signs the front door's certificates; ``file`` is its own, which a visitor trusts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "RoleRabbit's authority")])
        self._made: dict[int, ssl.SSLContext] = {}
        self.file = folder / "authority.pem"
        own = self._builder(self._name, self._key, 400).add_extension(x509.BasicConstraints(True, None), critical=True)
        self.file.write_bytes(own.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def context(self, days: int) -> ssl.SSLContext:
        """The settings of a server whose certificate ends in so many days."""
        if days not in self._made:
            self._made[days] = self._context(days)
        return self._made[days]

    def _context(self, days: int) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
        names = x509.SubjectAlternativeName([x509.DNSName(NAME), x509.IPAddress(ipaddress.ip_address(ADDRESS))])
        made = self._builder(subject, key, days).add_extension(names, critical=False).sign(self._key, hashes.SHA256())
        form, plain = serialization.Encoding.PEM, serialization.NoEncryption()
        file = self._folder / f"door-{days}.pem"
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(key.private_bytes(form, serialization.PrivateFormat.PKCS8, plain) + made.public_bytes(form))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, days: int) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder(self._name, subject, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=30))
            .not_valid_after(now + timedelta(days=days, hours=1))
        )


class Names(asyncio.DatagramProtocol):
    """A name server that knows :data:`NAME`, or does not."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer one question; what is none gets no answer."""
        try:
            asked = message.from_wire(data)
            question = asked.question[0]
        except (ValueError, IndexError, exception.DNSException):
            return
        answer = message.make_response(asked)
        answer.flags |= flags.AA
        if read(self._folder).named and question.name.to_text(omit_final_dot=True).lower() == NAME:
            answer.answer.append(rrset.from_text(question.name, 0, "IN", "A", ADDRESS))
        else:
            answer.set_rcode(rcode.NXDOMAIN)
        self._transport.sendto(answer.to_wire(), addr)


@dataclass(frozen=True, slots=True)
class Edge:
    """The doors of one platform, whose metrics are at ``metrics``."""

    folder: Path
    metrics: str

    async def door(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One page for every visitor, or what it is broken to."""
        status = read(self.folder).door_status
        if not status:
            writer.transport.abort()
            return
        body = b"RoleRabbit: your portfolio, hosted\n" if status == 200 else b"the front door is broken\n"
        await _answer(reader, writer, status, body)

    async def exporter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The platform's metrics, or that there are none to be had."""
        status, body = 503, b"the exporter is broken\n"
        if read(self.folder).exporting:
            status, body = await asyncio.to_thread(self._fetched)
        await _answer(reader, writer, status, body)

    def _fetched(self) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(self.metrics, timeout=PATIENCE) as answer:  # noqa: S310 - our own platform
                return 200, answer.read() + self._backup().encode()
        except (OSError, urllib.error.HTTPError):
            return 502, b"the platform does not answer\n"

    def _backup(self) -> str:
        """How old the note is that the last backup left, as those write it who copy this platform."""
        hours = (time.time() - (self.folder / BACKUP).stat().st_mtime) / 3600
        return f"# TYPE backup_age gauge\nbackup_age {max(hours, 0.0):.4f}\n"


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, status: int, body: bytes) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            await reader.readuntil(b"\r\n\r\n")
            head = f"HTTP/1.1 {status} Answer\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
            writer.write(f"{head}Connection: close\r\n\r\n".encode() + body)
            await writer.drain()
    except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        pass
    finally:
        writer.close()


async def serve(folder: Path, metrics: str) -> None:
    """Until SIGTERM, SIGINT, or the end of standard input; says where it is in ``edge.json`` once it listens."""
    authority, edge, loop = Authority(folder), Edge(folder, metrics), asyncio.get_running_loop()
    first = authority.context(Wanted().certificate_days)

    def choose(sock: ssl.SSLSocket | ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        sock.context = authority.context(read(folder).certificate_days)

    first.sni_callback = choose
    door = await asyncio.start_server(edge.door, ADDRESS, 0, ssl=first)
    exporter = await asyncio.start_server(edge.exporter, ADDRESS, 0)
    names, _ = await loop.create_datagram_endpoint(lambda: Names(folder), (ADDRESS, 0))
    ports = (
        door.sockets[0].getsockname()[1],
        exporter.sockets[0].getsockname()[1],
        names.get_extra_info("sockname")[1],
    )
    _say(folder, authority, ports)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    stop_on_eof(stop, loop)
    async with door, exporter:
        await stop.wait()
    names.close()


def _say(folder: Path, authority: Authority, ports: tuple[int, int, int]) -> None:
    where: Mapping[str, str] = {
        "door": f"https://{ADDRESS}:{ports[0]}/",
        "metrics": f"http://{ADDRESS}:{ports[1]}/metrics",
        "names": f"{ADDRESS}:{ports[2]}",
        "name": NAME,
        "ca": str(authority.file),
    }
    fresh = folder / ".edge.json"
    fresh.write_text(json.dumps(where), encoding="utf-8")
    fresh.replace(folder / "edge.json")


@click.command()
@click.option("--ready-file", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The platform's.")
def edge(ready_file: Path) -> None:
    """Stand before a running platform: a front door over TLS, its name, its metrics; until standard input ends."""
    ready = json.loads(ready_file.read_text(encoding="utf-8"))
    folder = folder_of(Path(ready["data_dir"]))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    want(folder, **asdict(Wanted()))
    (folder / BACKUP).touch()
    asyncio.run(serve(folder, f"{ready['api_url']}/metrics"))
