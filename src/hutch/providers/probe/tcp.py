"""The TCP probe: connect, with TLS where it is asked for; say something, and wait for what must be said."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from hutch.model.finding import Object
from hutch.model.probe import Probed
from hutch.ports import Probe, ProbeTarget
from hutch.providers.probe.dial import LIMIT, Line, Unreached, Watch, dial, trusting
from hutch.providers.probe.dial import told as reason
from hutch.providers.probe.judge import ending, holds, told
from hutch.providers.probe.settings import endpoint


@dataclass(frozen=True, slots=True)
class Talk:
    """What is said and what must be heard."""

    host: str
    port: int
    secure: bool
    send: bytes
    expect: str
    certificate_days: int
    authorities: str


def opened(target: ProbeTarget) -> Probe:
    """The probe. Raises ``ValueError`` for a ``ca`` that holds no certificates."""
    talk = _talk(target.target, target.settings)

    async def look() -> Probed:
        watch, heard = Watch(), bytearray()
        try:
            async with asyncio.timeout(target.timeout):
                line = await _spoken(talk, watch, heard, target.timeout)
        except TimeoutError:
            code = "tcp.unreachable" if watch.spans else "http.dns"
            return _failed(watch, talk, code, _late(talk, heard, target.timeout))
        except Unreached as error:
            code = {"lookup": "http.dns", "expired": "http.tls_expiring"}.get(error.kind, "tcp.unreachable")
            return _failed(watch, talk, code, str(error))
        soon = ending(line.certificate_ends, target.now(), talk.certificate_days, talk.host)
        where = Object("host", f"{talk.host}:{talk.port}")
        if soon:
            return Probed(True, told((_said(heard), soon[0])), watch.phases(), True, "http.tls_expiring", where)
        return Probed(True, told((_said(heard),)), watch.phases(), True)

    return look


def _talk(target: str, settings: Mapping[str, object]) -> Talk:
    host, port = endpoint(target)
    authorities, secure = str(settings["ca"] or ""), bool(settings["tls"])
    if secure:
        trusting(authorities)
    days = int(str(settings["certificate_days"]))
    return Talk(host, port, secure, str(settings["send"]).encode(), str(settings["expect"]), days, authorities)


async def _spoken(talk: Talk, watch: Watch, heard: bytearray, within: float) -> Line:
    """Connect, say, and listen until what must be said was; ``heard`` is what came, bounded."""
    line = await dial(talk.host, talk.port, watch, within, trusting(talk.authorities) if talk.secure else None)
    try:
        if talk.send:
            line.writer.write(talk.send)
            await line.writer.drain()
        if talk.expect:
            await _listen(talk, line, watch, heard)
    except (OSError, EOFError) as error:
        raise Unreached("broken", f"the connection broke: {reason(error)}") from error
    finally:
        line.drop()
    return line


async def _listen(talk: Talk, line: Line, watch: Watch, heard: bytearray) -> None:
    while not holds(talk.expect, heard.decode("utf-8", errors="replace")):
        piece = await line.reader.read(LIMIT)
        if "first_byte" not in watch.spans and piece:
            watch.note("first_byte")
        heard += piece
        if not piece or len(heard) > LIMIT:
            del heard[LIMIT:]
            end = "it closed the connection" if not piece else f"in {LIMIT} bytes"
            raise Unreached("unexpected", f"it did not say {talk.expect!r}: {end}; {_said(heard)}")


def _late(talk: Talk, heard: bytearray, seconds: float) -> str:
    if heard:
        return f"it did not say {talk.expect!r} within {seconds:g} s; {_said(heard)}"
    return f"no answer within {seconds:g} s"


def _failed(watch: Watch, talk: Talk, code: str, detail: str) -> Probed:
    where = Object("host", f"{talk.host}:{talk.port}")
    return Probed(False, told((detail,)), watch.phases(), "first_byte" in watch.spans, code, where)


def _said(heard: bytearray) -> str:
    if not heard:
        return "connected"
    return f"it said: {heard[:200].decode('utf-8', errors='replace').strip()}"
